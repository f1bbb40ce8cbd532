//! `default-route`: which default routes a pod has (NPWG specification, 4.1.2.1.9).
//!
//! A family of addresses for which some attachment names a gateway has that one default route and no other. A family
//! nobody speaks of keeps what the networks' plugins made. [`changes`] decides it for all attachments of a pod at once;
//! [`apply`] makes it so in the kernel, [`correct`] in the result, and [`check`] looks whether it still is.

mod correction;
mod decision;
mod error;
mod family;
mod kernel;
mod netlink;
mod routes;

pub use correction::correct;
pub use decision::{Conflict, RouteChange, changes};
pub use error::{Refusal, RouteError};
pub use family::{Families, Family};
pub use kernel::{apply, check};
