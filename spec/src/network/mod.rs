//! The NPWG specification's annotations: which networks a pod asks for, and what it got.
//!
//! Source: "Kubernetes Network Custom Resource Definition De-facto Standard", version 1.3
//! (repository k8snetworkplumbingwg/multi-net-spec).

mod address;
mod annotation;
mod annotation_error;
mod bandwidth;
mod isolation;
mod json_form;
mod key;
mod legacy_annotation;
mod legacy_object;
mod name;
mod port_mapping;
mod selection;
mod short_form;
mod spread;
mod status;
mod unmet;

pub use address::{AddressError, Guid, IpRequest, MacAddress};
pub use annotation::{MOST_NETWORKS, parse_default_network, parse_networks};
pub use annotation_error::{AnnotationError, EntryError};
pub use bandwidth::{Bandwidth, Rate};
pub use isolation::is_within_reach;
pub use key::{
    ALLOW_DELETE, ATTACHMENTS, CHOSEN_NODES, CONTAINER, DEFAULT_NETWORK, DEVICES, GATE, INJECT,
    NETWORK_STATUS, NETWORKS, NODE_SELECTOR, PARALLEL, RESERVE, RESOURCE_NAME, RETRIED_AT,
    SCHEDULING_GATE, SHARED_WITH, SPREAD, TRACEPARENT,
};
pub use legacy_annotation::parse_legacy_networks;
pub use legacy_object::{LegacyFault, LegacyNetwork};
pub use name::{Namespace, ObjectName};
pub use port_mapping::{PortMapping, Protocol};
pub use selection::{NetworkRef, Selection};
pub use spread::Spread;
pub use status::{DeviceInfo, NetworkStatus, pci_device_info, print_statuses, statuses};
pub use unmet::{Demands, Unmet};
