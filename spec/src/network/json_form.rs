//! The JSON form: a list of objects (NPWG specification, 4.1.2).
//!
//! Keys are matched as Go does it, in any case, because annotations written for Multus rely on it; unknown keys are
//! passed over and `null` is the same as leaving a key out.

use std::{
    fmt::Display,
    net::IpAddr,
    num::{NonZeroU16, NonZeroU64},
    str::FromStr,
};

use serde_json::{Map, Value};

use crate::kind;

use super::{
    AnnotationError, Bandwidth, EntryError, Namespace, NetworkRef, ObjectName, PortMapping,
    Protocol, Rate, Selection,
};

pub(super) fn parse(
    annotation: &'static str,
    text: &str,
    namespace: &Namespace,
) -> Result<Vec<Selection>, AnnotationError> {
    elements(annotation, text, |index, element| {
        selection(index, element, namespace)
    })
}

/// The elements of a JSON list, each read by `read`, which is told its place from 1.
pub(super) fn elements<T>(
    annotation: &'static str,
    text: &str,
    read: impl Fn(usize, &Value) -> Result<T, EntryError>,
) -> Result<Vec<T>, AnnotationError> {
    let value: Value = serde_json::from_str(text).map_err(|error| AnnotationError::Syntax {
        annotation,
        problem: error.to_string(),
    })?;
    let Value::Array(elements) = value else {
        return Err(AnnotationError::NotAList {
            annotation,
            found: kind::of_value(&value),
        });
    };
    elements
        .iter()
        .enumerate()
        .map(|(at, element)| read(at + 1, element))
        .collect::<Result<_, _>>()
        .map_err(|entry| AnnotationError::Entry { annotation, entry })
}

fn selection(
    index: usize,
    element: &Value,
    pod_namespace: &Namespace,
) -> Result<Selection, EntryError> {
    let reader = Reader::new(index, element);
    let map = reader.object(element)?;
    let field = |name| reader.field(map, name);
    let name = field("name");
    let text = name.required("the name of a NetworkAttachmentDefinition")?;
    if let Some((namespace, rest)) = text.split_once('/') {
        let problem =
            format!("{text:?} holds a '/'; write \"namespace\": {namespace:?}, \"name\": {rest:?}");
        return Err(name.error(problem));
    }
    let name = ObjectName::try_from(text).map_err(|error| name.error(error))?;
    let namespace = field("namespace").parsed()?;
    let namespace = namespace.unwrap_or_else(|| pod_namespace.clone());
    let interface = match field("interface").parsed()? {
        Some(interface) => Some(interface),
        None => field("interfaceRequest").parsed()?,
    };
    let selection = Selection {
        network: NetworkRef { namespace, name },
        interface,
        ips: field("ips")
            .list_of_texts()?
            .map(|ips| field("ips").not_empty(ips))
            .transpose()?
            .unwrap_or_default(),
        mac: field("mac").parsed()?,
        guid: field("infiniband-guid").parsed()?,
        port_mappings: port_mappings(&field("portMappings"))?,
        bandwidth: bandwidth(&field("bandwidth"))?,
        cni_args: field("cni-args").object()?.cloned(),
        device_id: field("deviceID").parsed()?,
        default_route: field("default-route").list_of_texts::<IpAddr>()?,
        ipam_claim: field("ipam-claim-reference")
            .text()?
            .filter(|claim| !claim.is_empty())
            .map(str::to_owned),
    };
    if selection.ipam_claim.is_some() && !selection.ips.is_empty() {
        return Err(field("ipam-claim-reference")
            .error("it cannot be combined with \"ips\"; write one of the two"));
    }
    // The kernel takes a gateway of zeros for none, and the others it refuses.
    let is_no_host = |gateway: &&IpAddr| {
        gateway.is_unspecified() || gateway.is_multicast() || gateway.is_loopback()
    };
    let mut gateways = selection.default_route.iter().flatten();
    if let Some(gateway) = gateways.find(is_no_host) {
        return Err(field("default-route").error(format!(
            "{gateway} is the address of no gateway; write one that the network reaches, or [] to have no default route by it"
        )));
    }
    Ok(selection)
}

fn port_mappings(field: &Field<'_>) -> Result<Vec<PortMapping>, EntryError> {
    let Some(elements) = field.list()? else {
        return Ok(Vec::new());
    };
    let elements = field.not_empty(elements.iter().collect())?;
    let port = |map: &Map<String, Value>, key: &'static str| {
        find(map, key)
            .and_then(Value::as_u64)
            .and_then(|port| u16::try_from(port).ok())
            .and_then(NonZeroU16::new)
            .ok_or_else(|| {
                field.error(format!(
                    "{key:?} must be a number from 1 to 65535 in each of its objects"
                ))
            })
    };
    elements
        .into_iter()
        .map(|element| {
            let map = element.as_object().ok_or_else(|| {
                field.error(format!("it holds {}; write objects such as {{\"hostPort\": 8080, \"containerPort\": 80}}", kind::of_value(element)))
            })?;
            let protocol = match find(map, "protocol") {
                None => Some(Protocol::default()),
                Some(Value::String(name)) => Protocol::from_name(name),
                Some(_) => None,
            };
            let host_ip = match find(map, "hostIP") {
                None => None,
                Some(Value::String(text)) if text.is_empty() => None,
                Some(value) => Some(
                    value
                        .as_str()
                        .and_then(|text| text.parse().ok())
                        .ok_or_else(|| field.error("\"hostIP\" must be an IPv4 or IPv6 address"))?,
                ),
            };
            Ok(PortMapping {
                host_port: port(map, "hostPort")?,
                container_port: port(map, "containerPort")?,
                protocol: protocol.ok_or_else(|| field.error("\"protocol\" must be TCP, UDP or SCTP"))?,
                host_ip,
            })
        })
        .collect()
}

fn bandwidth(field: &Field<'_>) -> Result<Option<Bandwidth>, EntryError> {
    let Some(map) = field.object()? else {
        return Ok(None);
    };
    let number = |key: &str| match find(map, key) {
        None => Ok(None),
        // Go's decoder leaves 0 where a key is absent, so that writers of this annotation print it for "none".
        Some(value) if value.as_u64() == Some(0) => Ok(None),
        Some(value) => value
            .as_u64()
            .and_then(NonZeroU64::new)
            .map(Some)
            .ok_or_else(|| field.error(format!("{key:?} must be a whole number above 0, in bits"))),
    };
    let direction = |rate_key: &str, burst_key: &str| match (number(rate_key)?, number(burst_key)?)
    {
        (None, None) => Ok(None),
        (Some(rate), burst) => Ok(Some(Rate { rate, burst })),
        (None, Some(_)) => Err(field.error(format!("{burst_key:?} needs {rate_key:?} beside it"))),
    };
    Bandwidth::new(
        direction("ingressRate", "ingressBurst")?,
        direction("egressRate", "egressBurst")?,
    )
    .map(Some)
    .ok_or_else(|| field.error("it must hold \"ingressRate\" or \"egressRate\""))
}

/// The element being read, for its errors.
pub(super) struct Reader {
    index: usize,
    text: String,
}

impl Reader {
    pub(super) fn new(index: usize, element: &Value) -> Self {
        Self {
            index,
            text: element.to_string(),
        }
    }

    /// The fields of the element, which must be an object.
    pub(super) fn object<'a>(
        &self,
        element: &'a Value,
    ) -> Result<&'a Map<String, Value>, EntryError> {
        element.as_object().ok_or_else(|| {
            let problem = format!(
                "it is {}; write an object such as {{\"name\": \"net-a\"}}",
                kind::of_value(element)
            );
            self.error(None, problem)
        })
    }

    pub(super) fn field<'a>(
        &'a self,
        map: &'a Map<String, Value>,
        name: &'static str,
    ) -> Field<'a> {
        Field {
            reader: self,
            name,
            value: find(map, name),
        }
    }

    fn error(&self, field: Option<&'static str>, problem: impl Display) -> EntryError {
        EntryError::new(self.index, &self.text, field, problem)
    }
}

/// One field of the element, present or not.
pub(super) struct Field<'a> {
    reader: &'a Reader,
    name: &'static str,
    value: Option<&'a Value>,
}

impl<'a> Field<'a> {
    pub(super) fn error(&self, problem: impl Display) -> EntryError {
        self.reader.error(Some(self.name), problem)
    }

    fn wrong_kind(&self, value: &Value, wanted: &str) -> EntryError {
        self.error(format!("it is {}; write {wanted}", kind::of_value(value)))
    }

    fn text(&self) -> Result<Option<&'a str>, EntryError> {
        match self.value {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_kind(other, "a text")),
        }
    }

    /// A text that must be there; `what` says what it would be.
    pub(super) fn required(&self, what: &str) -> Result<&'a str, EntryError> {
        self.text()?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.error(format!("it is missing; write {what}")))
    }

    /// An empty text is the same as none, as Go's zero value is.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self) -> Result<Option<T>, EntryError> {
        match self.text()? {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|error| self.error(error)),
        }
    }

    fn list(&self) -> Result<Option<&'a Vec<Value>>, EntryError> {
        match self.value {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(self.wrong_kind(other, "a list")),
        }
    }

    fn object(&self) -> Result<Option<&'a Map<String, Value>>, EntryError> {
        match self.value {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(self.wrong_kind(other, "an object")),
        }
    }

    fn list_of_texts<T: FromStr<Err: Display>>(&self) -> Result<Option<Vec<T>>, EntryError> {
        let Some(list) = self.list()? else {
            return Ok(None);
        };
        list.iter()
            .map(|value| {
                let text = value.as_str().ok_or_else(|| {
                    self.error(format!("it holds {}; write texts", kind::of_value(value)))
                })?;
                text.parse()
                    .map_err(|error| self.error(format!("{text:?}: {error}")))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn not_empty<T>(&self, list: Vec<T>) -> Result<Vec<T>, EntryError> {
        if list.is_empty() {
            Err(self.error("it is an empty list; leave the field out instead"))
        } else {
            Ok(list)
        }
    }
}

fn find<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let value = map.get(name).or_else(|| {
        map.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    });
    value.filter(|value| !value.is_null())
}
