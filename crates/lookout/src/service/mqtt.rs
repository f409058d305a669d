//! Tells an MQTT broker.
