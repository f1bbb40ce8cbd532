//! From objects to findings.

use std::{borrow::Cow, collections::BTreeMap};

use admission::{Cluster, Denial, Mode, Plan, Policy, Warning, admit_network};
use anyhow::{Context as _, Result};
use api::{
    network_attachment_definition::NetworkAttachmentDefinition, objects::Object, pod::Metadata,
};
use serde::Deserialize as _;
use serde_json::Value;
use spec::network::Namespace;

use super::{
    kind::{self, Kind},
    line,
    pod::{self, Refused},
    report::{Finding, Level, Place, Report, Subject},
    rules,
};
use crate::input::{self, Source};

/// Judges every object there is a rule about. The cluster is what the input holds.
///
/// # Errors
/// A decision cannot be carried out: a defect of Polypod.
pub(super) fn judge(
    read: &[(Source, Vec<Object>)],
    default_namespace: &Namespace,
    policy: &Policy,
    report: &mut Report,
) -> Result<()> {
    let mut cluster = Cluster::default();
    for object in read.iter().flat_map(|(_, objects)| objects) {
        // One that does not fit its kind is told of when it is judged.
        let _told_below = input::add(&mut cluster, object, default_namespace);
    }
    let mut judge = Judge {
        default_namespace,
        policy,
        cluster,
        defined: BTreeMap::new(),
        report,
    };
    for (source, objects) in read {
        for object in objects {
            judge.object(source, object)?;
        }
    }
    Ok(())
}

struct Judge<'a> {
    default_namespace: &'a Namespace,
    policy: &'a Policy,
    cluster: Cluster,
    /// The networks so far, by namespace and name.
    defined: BTreeMap<(String, String), &'a Object>,
    report: &'a mut Report,
}

impl<'a> Judge<'a> {
    fn object(&mut self, source: &'a Source, object: &'a Object) -> Result<()> {
        let kind = kind::of(object);
        if kind == Kind::Other {
            return Ok(());
        }
        self.report.judged += 1;
        let mut about = match About::new(source, object, kind, self.default_namespace) {
            Ok(about) => about,
            Err(unfit) => {
                self.report.findings.push(*unfit);
                return Ok(());
            }
        };
        match kind {
            Kind::Other => {}
            Kind::Namespace => {
                let alone = input::cluster([object], self.default_namespace);
                if let Err(error) = alone {
                    about.invalid(&format!("{error:#}"));
                }
            }
            Kind::Network => self.network(&mut about),
            Kind::Pod => self.pod(&mut about, object.value.clone())?,
            Kind::Template(pointer, path) => {
                match pod::of_template(object, pointer, &about.subject.name) {
                    Ok(pod) => {
                        about.within = path;
                        self.pod(&mut about, pod)?;
                    }
                    Err(problem) => about.invalid(&problem),
                }
            }
        }
        self.report.findings.append(&mut about.findings);
        Ok(())
    }

    fn pod(&self, about: &mut About<'_>, pod: Value) -> Result<()> {
        match pod::judge(pod, &about.namespace, &self.cluster, self.policy) {
            Ok(plan) => about.plan(&plan),
            Err(Refused::Denied(denial)) => about.denial(&denial),
            Err(Refused::NotAPod(problem)) => {
                about.invalid(&format!("it is not a valid pod: {problem}"));
            }
            Err(Refused::Defect(refusal)) => {
                return Err(refusal).with_context(|| about.object.origin.clone());
            }
        }
        Ok(())
    }

    fn network(&mut self, about: &mut About<'a>) {
        let mut definition = match NetworkAttachmentDefinition::deserialize(&about.object.value) {
            Ok(definition) => definition,
            Err(error) => {
                about.invalid(&format!(
                    "it is not a valid NetworkAttachmentDefinition: {error}"
                ));
                return;
            }
        };
        definition.metadata.namespace = Some(about.namespace.to_string());
        match admit_network(&definition, &self.cluster, self.policy) {
            Ok(plan) => about.plan(&plan),
            Err(denial) => about.denial(&denial),
        }
        // Several may be named by the API server after one prefix.
        let Some(name) = definition.metadata.name.filter(|name| !name.is_empty()) else {
            return;
        };
        let namespace = about.subject.namespace.clone();
        if let Some(first) = self.defined.insert((namespace, name), about.object) {
            let is_the_same = first.value == about.object.value;
            let level = if is_the_same {
                Level::Warning
            } else {
                Level::Error
            };
            let message = format!(
                "it is defined in {} already, {}; remove one of the two",
                first.origin,
                if is_the_same {
                    "and in the same way"
                } else {
                    "and in another way"
                }
            );
            about.find(
                level,
                rules::DUPLICATE_DEFINITION.into(),
                "metadata.name",
                message,
            );
        }
    }
}

/// An object that is being judged, and what was found.
struct About<'a> {
    source: &'a Source,
    object: &'a Object,
    subject: Subject,
    namespace: Namespace,
    /// The field path of the pod in it.
    within: &'static str,
    findings: Vec<Finding>,
}

impl<'a> About<'a> {
    fn new(
        source: &'a Source,
        object: &'a Object,
        kind: Kind,
        default_namespace: &Namespace,
    ) -> Result<Self, Box<Finding>> {
        let mut about = Self {
            source,
            object,
            subject: Subject {
                api_version: object.api_version.clone(),
                kind: object.kind.clone(),
                namespace: String::new(),
                name: "(unnamed)".to_owned(),
            },
            namespace: default_namespace.clone(),
            within: "",
            findings: Vec::new(),
        };
        let metadata = match object.value.get("metadata") {
            None | Some(Value::Null) => Ok(Metadata::default()),
            Some(metadata) => Metadata::deserialize(metadata),
        };
        let problem = match metadata {
            Err(error) => error.to_string(),
            Ok(Metadata {
                namespace,
                name,
                generate_name,
                ..
            }) => {
                about.subject.name = match (name.as_str(), generate_name.as_str()) {
                    ("", "") => about.subject.name,
                    ("", prefix) => format!("{prefix}*"),
                    _ => name,
                };
                match namespace.as_str() {
                    "" => Ok(default_namespace.clone()),
                    text => text.parse(),
                }
                .map(|namespace| about.namespace = namespace)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
            }
        };
        if kind != Kind::Namespace {
            about.subject.namespace = about.namespace.to_string();
        }
        if problem.is_empty() {
            return Ok(about);
        }
        let message = format!("in metadata, {problem}");
        Err(Box::new(about.finding(
            Level::Error,
            rules::INVALID_OBJECT.into(),
            "metadata",
            message,
        )))
    }

    fn denial(&mut self, denial: &Denial) {
        for (fault, cause) in denial.faults().iter().zip(denial.causes()) {
            let rule = fault.rule().as_str().into();
            self.find(Level::Error, rule, &cause.field, cause.message);
        }
    }

    /// What is let pass, and the advice that is not a shorter form of it.
    fn plan(&mut self, plan: &Plan) {
        for finding in &plan.findings {
            let level = match finding.mode {
                Mode::Enforce => Level::Error,
                Mode::Warn => Level::Warning,
                Mode::Monitor => Level::Note,
            };
            let rule = finding.rule.as_str().into();
            self.find(level, rule, "", finding.message.clone());
        }
        let told: Vec<Warning> = plan
            .findings
            .iter()
            .map(|finding| Warning::new(&finding.message))
            .collect();
        for warning in plan
            .warnings
            .iter()
            .filter(|warning| !told.contains(warning))
        {
            self.find(
                Level::Warning,
                rules::ADVICE.into(),
                "",
                warning.to_string(),
            );
        }
    }

    fn invalid(&mut self, problem: &str) {
        self.find(
            Level::Error,
            rules::INVALID_OBJECT.into(),
            "",
            problem.to_owned(),
        );
    }

    fn find(&mut self, level: Level, rule: Cow<'static, str>, field: &str, message: String) {
        let finding = self.finding(level, rule, field, message);
        self.findings.push(finding);
    }

    fn finding(
        &self,
        level: Level,
        rule: Cow<'static, str>,
        field: &str,
        message: String,
    ) -> Finding {
        let parts = [self.object.field.as_str(), self.within, field];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let field = parts.join(".");
        Finding {
            level,
            rule,
            place: Place {
                file: self.source.name.clone(),
                document: self.object.document,
                line: line::of(&self.source.text, self.object, &field),
            },
            object: self.subject.clone(),
            field,
            message,
        }
    }
}
