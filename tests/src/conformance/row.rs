//! A row of a table: what is sent, and what is wanted of the answer.

use serde_json::{Value, json};

/// The annotations of the tables.
pub(super) const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";
pub(super) const DEFAULT_NETWORK: &str = "v1.multus-cni.io/default-network";
pub(super) const RESOURCE_NAME: &str = "k8s.v1.cni.cncf.io/resourceName";

/// One row, or one of the entries of a row that names several inputs.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The row's number, such as `27` or `N4`.
    pub(super) number: &'static str,
    /// `Pod` or `NetworkAttachmentDefinition`.
    pub(super) kind: &'static str,
    pub(super) object: Value,
    /// The object as it is stored; its presence makes the request an UPDATE.
    pub(super) old: Option<Value>,
    /// The request's namespace.
    pub(super) namespace: &'static str,
    pub(super) wanted: Wanted,
}

/// What is wanted of the answers of both hooks.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// The object is let in as it is but for these values, each with the pointer to it; and whoever sent it is warned of
    /// these facts and no others, each given by words that the warning holds.
    Allowed {
        changes: Vec<(String, Value)>,
        warnings: Vec<&'static [&'static str]>,
    },
    /// The object is denied with this code and a message that holds these words.
    Denied {
        code: Code,
        words: &'static [&'static str],
    },
    /// The row leaves open whether the object is denied or its sender warned; the words are to be in either.
    DeniedOrWarned { words: &'static [&'static str] },
}

/// The code of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// The object is wrong in itself.
    Invalid,
    /// The cluster, or its administrator, does not let it in.
    Forbidden,
    /// The row does not say which of the two it is.
    Either,
}

impl Row {
    /// A pod with one container, `c0`, that is created in `default`.
    pub(super) fn pod(number: &'static str) -> Self {
        Self {
            number,
            kind: "Pod",
            object: json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "web", "namespace": "default"},
                "spec": {"containers": [{"name": "c0", "image": "busybox", "resources": {}}]},
            }),
            old: None,
            namespace: "default",
            wanted: Wanted::Allowed {
                changes: Vec::new(),
                warnings: Vec::new(),
            },
        }
    }

    /// That pod with the annotation `k8s.v1.cni.cncf.io/networks`.
    pub(super) fn networks(number: &'static str, text: &str) -> Self {
        Self::pod(number).annotated(NETWORKS, text)
    }

    /// That pod with the annotation `v1.multus-cni.io/default-network`.
    pub(super) fn default_network(number: &'static str, text: &str) -> Self {
        Self::pod(number).annotated(DEFAULT_NETWORK, text)
    }

    /// A NetworkAttachmentDefinition `net` in `default`.
    pub(super) fn definition(number: &'static str, config: &str) -> Self {
        Self {
            kind: "NetworkAttachmentDefinition",
            object: json!({
                "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
                "metadata": {"name": "net", "namespace": "default"},
                "spec": {"config": config},
            }),
            ..Self::pod(number)
        }
    }

    /// The same with another annotation.
    pub(super) fn annotated(self, key: &str, text: &str) -> Self {
        let key = key.replace('~', "~0").replace('/', "~1");
        self.set(&format!("/metadata/annotations/{key}"), json!(text))
    }

    /// The same with another value at `pointer`.
    pub(super) fn set(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.object, pointer, value);
        self
    }

    /// The same without what is at `pointer`.
    pub(super) fn without(mut self, pointer: &str) -> Self {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
        let parent = self
            .object
            .pointer_mut(parent)
            .expect("the parent is there");
        parent.as_object_mut().expect("it is an object").remove(key);
        self
    }

    /// The same with these containers.
    pub(super) fn containers(self, containers: Value) -> Self {
        self.set("/spec/containers", containers)
    }

    /// The same with these init containers.
    pub(super) fn init_containers(self, containers: Value) -> Self {
        self.set("/spec/initContainers", containers)
    }

    /// The same in a request for another namespace.
    pub(super) fn requested_in(self, namespace: &'static str) -> Self {
        Self { namespace, ..self }
    }

    /// The change of what `old` makes of the object into the object.
    pub(super) fn updates(mut self, old: impl FnOnce(Self) -> Self) -> Self {
        self.old = Some(old(self.clone()).object);
        self
    }

    /// Wanted: requests and limits of the container, which is named by its list and its place there.
    pub(super) fn gets(self, container: &str, resource: &str, quantity: u64) -> Self {
        let resource = resource.replace('/', "~1");
        let quantity = json!(quantity.to_string());
        ["requests", "limits"].into_iter().fold(self, |row, list| {
            let pointer = format!("/spec/{container}/resources/{list}/{resource}");
            row.changes(&pointer, quantity.clone())
        })
    }

    /// Wanted: this value at `pointer`.
    pub(super) fn changes(mut self, pointer: &str, value: Value) -> Self {
        if let Wanted::Allowed { changes, .. } = &mut self.wanted {
            changes.push((pointer.to_owned(), value));
        }
        self
    }

    /// Wanted: a warning that holds these words.
    pub(super) fn warns(mut self, words: &'static [&'static str]) -> Self {
        if let Wanted::Allowed { warnings, .. } = &mut self.wanted {
            warnings.push(words);
        }
        self
    }

    /// Wanted: a denial of an object that is wrong in itself.
    pub(super) fn invalid(self, words: &'static [&'static str]) -> Self {
        self.denied(Code::Invalid, words)
    }

    /// Wanted: a denial by the cluster or its administrator.
    pub(super) fn forbidden(self, words: &'static [&'static str]) -> Self {
        self.denied(Code::Forbidden, words)
    }

    /// Wanted: a denial.
    pub(super) fn denied(mut self, code: Code, words: &'static [&'static str]) -> Self {
        self.wanted = Wanted::Denied { code, words };
        self
    }

    /// Wanted: a denial or a warning.
    pub(super) fn denied_or_warned(mut self, words: &'static [&'static str]) -> Self {
        self.wanted = Wanted::DeniedOrWarned { words };
        self
    }

    /// The object as it is wanted.
    pub(super) fn wanted_object(&self) -> Value {
        let mut object = self.object.clone();
        if let Wanted::Allowed { changes, .. } = &self.wanted {
            for (pointer, value) in changes {
                set(&mut object, pointer, value.clone());
            }
        }
        object
    }
}

/// Puts `value` where `pointer` points; what is missing on the way there is made an object.
fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut place = object;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        place = match place {
            Value::Array(elements) => {
                let index: usize = token.parse().expect("a list is indexed by numbers");
                &mut elements[index]
            }
            other => &mut other[&token],
        };
    }
    *place = value;
}
