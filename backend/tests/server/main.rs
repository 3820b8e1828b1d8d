//! The server, tested from outside: its real router on a real PostgreSQL, a database for each test.

mod accounts;
mod actions;
mod audit_log;
mod bad_input;
mod bad_jobs;
mod clusters;
mod embedded;
mod job_lists;
mod logs;
mod many_jobs;
mod matrix;
mod node_actions;
mod openapi;
mod outputs;
mod own_account;
mod process;
mod protocol;
mod queue_rules;
mod queues;
mod schedules;
mod secrets;
mod settings;
mod sso;
mod support;
mod teams;
mod transitions;
