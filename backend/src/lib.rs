//! Lilac's control plane.
//!
//! One folder per domain, each holding its routes, its SQL and its rules. Only this crate knows SQL.

pub mod address;
pub mod app;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod bell;
pub mod blob;
pub mod cluster;
pub mod config;
pub mod db;
pub mod embedded;
pub mod error;
pub mod events;
pub mod extract;
pub mod facts;
pub mod hook;
pub mod interactive;
pub mod limits;
pub mod logs;
pub mod metrics;
pub mod observe;
pub mod openapi;
pub mod output;
pub mod page;
pub mod queue;
pub mod retention;
pub mod router;
pub mod schedule;
pub mod scheduler;
pub mod secret;
pub mod serve;
pub mod streams;
pub mod training_job;
pub mod version;
pub mod volume;
pub mod web;
