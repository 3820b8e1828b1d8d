//! The verbs, one file each: arguments on top, then what they do.

pub mod act;
pub mod agent;
pub mod cancel;
pub mod cluster;
pub mod completion;
pub mod configure;
pub mod events;
pub mod key;
pub mod list;
pub mod login;
pub mod logs;
pub mod node;
pub mod passwd;
pub mod prompt;
pub mod queue;
pub mod receipt;
pub mod registry;
pub mod release;
pub mod schedule;
pub mod secret;
pub mod show;
pub mod submit;
pub mod team;
pub mod user;
pub mod volume;
pub mod wait;
