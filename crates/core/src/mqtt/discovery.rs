//! How Home Assistant learns of the camera: one document for the device and all that it has (its device discovery, from
//! 2024.11 on).

use serde_json::{Map, Value, json};

use super::{Sensor, Switch, Topics};
use crate::profile::{settings::Settings, wire::Mac};

/// Writes the discovery document of a camera; without the switches if nobody may turn them.
pub fn document(topics: &Topics, id: Mac, settings: &Settings, version: &str, switches: bool) -> String {
    let own = format!("lookout_{id}");
    let mut components: Map<String, Value> =
        Sensor::ALL.iter().map(|sensor| (sensor.word().to_owned(), of_sensor(*sensor, topics, &own))).collect();
    let snapshot = json!({
        "platform": "camera",
        "name": "Last alarm",
        "unique_id": format!("{own}_snapshot"),
        "topic": topics.snapshot(),
    });
    components.insert("snapshot".to_owned(), snapshot);
    if switches {
        components.extend(Switch::ALL.map(|switch| (key(switch), of_switch(switch, topics, &own))));
    }
    let alias = settings.alias.as_str();
    let document = json!({
        "device": {
            "identifiers": [own],
            "name": if alias.is_empty() { format!("Camera {id}") } else { alias.to_owned() },
            "manufacturer": "Lookout",
            "model": "IP camera",
            "serial_number": id.to_string(),
            "sw_version": version,
        },
        "origin": { "name": "Lookout", "sw_version": version },
        "availability_topic": topics.status(),
        "qos": 1,
        "components": components,
    });
    document.to_string()
}

fn key(switch: Switch) -> String {
    switch.word().replace('/', "_")
}

fn of_sensor(sensor: Sensor, topics: &Topics, own: &str) -> Value {
    let (name, class) = match sensor {
        Sensor::Motion => ("Motion", Some("motion")),
        Sensor::Sound => ("Sound", Some("sound")),
        Sensor::Input => ("Alarm input", None),
    };
    let mut all = json!({
        "platform": "binary_sensor",
        "name": name,
        "unique_id": format!("{own}_{}", sensor.word()),
        "state_topic": topics.sensor(sensor),
    });
    if let Some(class) = class {
        all["device_class"] = class.into();
    }
    all
}

fn of_switch(switch: Switch, topics: &Topics, own: &str) -> Value {
    let (name, icon) = match switch {
        Switch::Motion => ("Motion armed", "mdi:motion-sensor"),
        Switch::Sound => ("Sound armed", "mdi:ear-hearing"),
        Switch::Input => ("Input armed", "mdi:electric-switch"),
        Switch::Privacy => ("Privacy", "mdi:eye-off"),
    };
    json!({
        "platform": "switch",
        "name": name,
        "icon": icon,
        "unique_id": format!("{own}_{}", key(switch)),
        "state_topic": topics.switch(switch),
        "command_topic": topics.command(switch),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::profile::wire::Wire;

    fn written(alias: &str, switches: bool) -> Value {
        let id = Mac::parse("00606E000001").unwrap();
        let settings = Settings { alias: Wire::parse(alias).unwrap(), ..Settings::factory() };
        let topics = Topics::new("lookout", "homeassistant", id);
        serde_json::from_str(&document(&topics, id, &settings, "1.2.3", switches)).unwrap()
    }

    #[test]
    fn every_component_has_a_platform_a_name_of_its_own_and_the_topics_that_it_needs() {
        let document = written("door", true);
        let components = document["components"].as_object().unwrap();
        assert_eq!(components.len(), 8);
        let mut ids = HashSet::new();
        for (key, component) in components {
            let needed: &[&str] = match component["platform"].as_str().unwrap() {
                "binary_sensor" => &["state_topic"],
                "switch" => &["state_topic", "command_topic"],
                "camera" => &["topic"],
                other => panic!("{key} is a {other}"),
            };
            for topic in needed {
                assert!(component[topic].as_str().unwrap().starts_with("lookout/00606E000001/"), "{key} {topic}");
            }
            assert!(component["name"].is_string() && ids.insert(component["unique_id"].clone()), "{key}");
        }
        assert_eq!(document["device"]["name"], "door");
        assert_eq!(document["device"]["identifiers"], json!(["lookout_00606E000001"]));
        assert_eq!(document["origin"]["name"], "Lookout");
        assert_eq!(document["availability_topic"], "lookout/00606E000001/status");
    }

    #[test]
    fn a_name_of_any_characters_is_one_string_and_an_empty_one_is_replaced() {
        assert_eq!(written("a\"b\\{<", true)["device"]["name"], "a\"b\\{<");
        assert_eq!(written("", true)["device"]["name"], "Camera 00606E000001");
    }

    #[test]
    fn switches_that_nobody_may_turn_are_not_announced() {
        let document = written("door", false);
        let components = document["components"].as_object().unwrap();
        assert_eq!(components.len(), 4);
        assert!(!document.to_string().contains("command_topic"));
    }
}
