//! What the plugin and the device-bridge say to each other: one request, one reply, each in a frame.
//!
//! The same frames travel over the agent's unix socket and over standard input and output of the one-shot `resolve`.

mod frame;
mod message;
mod times;

pub use frame::{FrameError, HEADER, MAX_FRAME, decode, encode, frame_length};
pub use message::{
    AddedInterface, Answer, Attachment, ConfSource, Device, Failure, Isolation, Legacy,
    PodAnnotations, PodRef, Question, Reply, Report, Request,
};
pub use times::{AttachmentTimes, Stage, TIMES_OF_RESULT, Times};

/// The version of the messages. A side that meets another version says so instead of guessing.
pub const PROTOCOL: u32 = 1;
