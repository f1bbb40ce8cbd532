//! What is above the spans of a sandbox: the pod's admission where the pod tells of it, else what the runtime is doing.

use spec::{
    TraceContext,
    bridge::{Question, Report},
};

use crate::pod_facts::PodFacts;

/// The spans of others that a sandbox's belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Above {
    /// The one that the pod has in its annotation `polypod.dev/traceparent`.
    pub(crate) pod: Option<TraceContext>,
    /// The one that the runtime, or whoever calls in its place, has in `TRACEPARENT`.
    pub(crate) runtime: Option<TraceContext>,
}

impl Above {
    /// Of a question about a sandbox of `pod`, as far as that is known. Another pod of the name has nothing to say.
    pub(crate) fn of_question(question: &Question, pod: Option<&PodFacts>) -> Self {
        let known = || {
            let pod = pod.filter(|pod| pod.may_have(question.pod.uid.as_deref()))?;
            pod.traceparent.clone()
        };
        Self {
            pod: question.pod_traceparent.clone().or_else(known),
            runtime: question.traceparent.clone(),
        }
    }

    /// Of a report, which brings back what was found at the question.
    pub(crate) fn of_report(report: &Report) -> Self {
        Self {
            pod: report.parent.clone(),
            runtime: report.traceparent.clone(),
        }
    }

    /// The span that theirs are children of.
    pub(crate) fn parent(&self) -> Option<&TraceContext> {
        self.pod.as_ref().or(self.runtime.as_ref())
    }

    /// The runtime's, where another is the parent: theirs have a link to it.
    pub(crate) fn link(&self) -> Option<&TraceContext> {
        self.pod.as_ref()?;
        self.runtime.as_ref().filter(|_| self.pod != self.runtime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::bare_question;

    const POD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const RUNTIME: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_pods_comes_first() {
        for (annotation, runtime, parent, link) in [
            (None, None, None, None),
            (None, Some(RUNTIME), Some(RUNTIME), None),
            (Some(POD), None, Some(POD), None),
            (Some(POD), Some(RUNTIME), Some(POD), Some(RUNTIME)),
            (Some(POD), Some(POD), Some(POD), None),
            // No reason to refuse a pod.
            (Some("00-0af7-b7-01"), Some(RUNTIME), Some(RUNTIME), None),
            (Some(""), None, None, None),
        ] {
            for (uid, is_it) in [("u1", true), ("u2", false)] {
                let annotations = annotation
                    .map(|text: &str| (spec::network::TRACEPARENT.to_owned(), text.to_owned()));
                let annotations = annotations.into_iter().collect();
                let pod = PodFacts::new("default", "p", uid, &annotations).unwrap();
                let mut question = bare_question();
                question.traceparent = runtime.map(|text| text.parse().unwrap());
                let above = Above::of_question(&question, Some(&pod));
                let (parent, link) = if is_it {
                    (parent, link)
                } else {
                    (runtime, None)
                };
                let found = |context: Option<&TraceContext>| context.map(ToString::to_string);
                assert_eq!(
                    found(above.parent()).as_deref(),
                    parent,
                    "{annotation:?} {runtime:?}"
                );
                assert_eq!(
                    found(above.link()).as_deref(),
                    link,
                    "{annotation:?} {runtime:?}"
                );
            }
        }
    }

    #[test]
    fn what_the_runtime_hands_over_is_the_pods() {
        let mut question = bare_question();
        question.pod_traceparent = POD.parse().ok();
        let above = Above::of_question(&question, None);
        assert_eq!(above.parent().map(TraceContext::as_str), Some(POD));
    }
}
