//! Commands about system.
