//! What a call is about: the same in each of its lines.

use spec::{
    NameError, TraceContext,
    cni::{Command, Invocation},
};

/// `TRACEPARENT` of the environment. Delegates inherit it, and `TRACESTATE`, untouched unless the agent tells of another span
/// (see [`crate::add_trace::AddTrace`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(Option<Result<TraceContext, NameError>>);

impl Trace {
    /// Reads the environment. `variable` looks a variable up.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = variable("TRACEPARENT").filter(|text| !text.is_empty());
        Self(text.map(TryFrom::try_from))
    }

    /// The trace, if the caller is in one.
    #[must_use]
    pub fn context(&self) -> Option<&TraceContext> {
        self.0.as_ref().and_then(|read| read.as_ref().ok())
    }

    /// Why what the environment holds is no trace.
    #[must_use]
    pub fn problem(&self) -> Option<&NameError> {
        self.0.as_ref().and_then(|read| read.as_ref().err())
    }
}

/// What a call is about. Nothing in it is copied.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// `CNI_COMMAND`.
    pub command: Command,
    /// `CNI_CONTAINERID`.
    pub container_id: Option<&'a str>,
    /// `CNI_IFNAME`.
    pub interface: Option<&'a str>,
    /// The pod's namespace.
    pub namespace: Option<&'a str>,
    /// The pod's name.
    pub pod: Option<&'a str>,
    /// The pod's UID.
    pub uid: Option<&'a str>,
    /// The trace.
    pub trace: Option<&'a Trace>,
}

/// The keys and values of a line, in their order.
pub(super) type Entries<'a> = [(&'static str, Option<&'a str>); 7];

impl<'a> Context<'a> {
    /// A call that is about no container: STATUS, GC.
    #[must_use]
    pub fn of_node(command: Command, trace: &'a Trace) -> Self {
        Self {
            command,
            container_id: None,
            interface: None,
            namespace: None,
            pod: None,
            uid: None,
            trace: Some(trace),
        }
    }

    /// A call about a container.
    #[must_use]
    pub fn of(command: Command, invocation: &'a Invocation, trace: &'a Trace) -> Self {
        Self {
            container_id: Some(invocation.container_id.as_str()),
            interface: Some(invocation.interface.as_str()),
            namespace: invocation.args.get("K8S_POD_NAMESPACE"),
            pod: invocation.args.get("K8S_POD_NAME"),
            uid: invocation.args.get("K8S_POD_UID"),
            ..Self::of_node(command, trace)
        }
    }

    /// `told` takes the place of the environment's trace.
    pub(super) fn entries(&self, told: Option<&'a TraceContext>) -> Entries<'a> {
        let trace = told.or_else(|| self.trace.and_then(Trace::context));
        [
            ("command", Some(self.command.as_str())),
            ("containerId", self.container_id),
            ("interface", self.interface),
            ("namespace", self.namespace),
            ("pod", self.pod),
            ("uid", self.uid),
            ("traceId", trace.map(TraceContext::trace_id)),
        ]
    }

    pub(super) fn to_owned(self) -> OwnedContext {
        let text = |text: Option<&str>| text.map(str::to_owned);
        OwnedContext {
            command: self.command,
            container_id: text(self.container_id),
            interface: text(self.interface),
            namespace: text(self.namespace),
            pod: text(self.pod),
            uid: text(self.uid),
            trace: self.trace.cloned().unwrap_or_default(),
        }
    }
}

/// A [`Context`] that lives as long as the process may.
pub(super) struct OwnedContext {
    command: Command,
    container_id: Option<String>,
    interface: Option<String>,
    namespace: Option<String>,
    pod: Option<String>,
    uid: Option<String>,
    trace: Trace,
}

impl OwnedContext {
    pub(super) fn borrow(&self) -> Context<'_> {
        Context {
            command: self.command,
            container_id: self.container_id.as_deref(),
            interface: self.interface.as_deref(),
            namespace: self.namespace.as_deref(),
            pod: self.pod.as_deref(),
            uid: self.uid.as_deref(),
            trace: Some(&self.trace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn traces_of_the_environment() {
        for (text, id, is_wrong) in [
            (None, None, false),
            (Some(""), None, false),
            (
                Some(TRACEPARENT),
                Some("0af7651916cd43dd8448eb211c80319c"),
                false,
            ),
            (Some("00-0af7-b7-01"), None, true),
        ] {
            let trace = Trace::read(|name| {
                assert_eq!(name, "TRACEPARENT");
                text.map(str::to_owned)
            });
            assert_eq!(trace.context().map(TraceContext::trace_id), id);
            assert_eq!(trace.problem().is_some(), is_wrong);
        }
    }

    #[test]
    fn owned_and_borrowed_again() {
        let trace = Trace::read(|_| Some(TRACEPARENT.to_owned()));
        let invocation = Invocation {
            container_id: "c1".parse().unwrap(),
            netns: None,
            interface: "eth0".parse().unwrap(),
            args: spec::cni::Args::parse("K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web").unwrap(),
            path: Vec::new(),
        };
        let context = Context::of(Command::Del, &invocation, &trace);
        let entries = context.entries(None);
        assert_eq!(
            entries[3..6],
            [
                ("namespace", Some("shop")),
                ("pod", Some("web")),
                ("uid", None)
            ]
        );
        assert_eq!(context.to_owned().borrow().entries(None), entries);
        let told = TRACEPARENT.replace("0af", "1af").parse().unwrap();
        let trace_id = ("traceId", Some("1af7651916cd43dd8448eb211c80319c"));
        assert_eq!(context.entries(Some(&told))[6], trace_id);
    }
}
