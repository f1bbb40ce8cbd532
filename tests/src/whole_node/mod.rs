//! A whole node of real parts.
#![allow(dead_code, reason = "the stories that use it follow")]

pub(crate) mod device_plugin;
pub(crate) mod image;
