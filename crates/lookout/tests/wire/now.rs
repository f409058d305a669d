//! How the camera stands right now (Q87).

use lookout_testkit::{Client, Viewer, eventually};
use serde_json::Value;

use crate::start;

fn now(client: &Client) -> Value {
    serde_json::from_str(client.get("/now.json").text()).unwrap()
}

/// Returns of each guest the name, the path and what its program says that it is.
fn guests(of: &Value) -> Vec<[&str; 3]> {
    let guests = of.as_array().unwrap().iter();
    guests.map(|guest| ["user", "path", "agent"].map(|key| guest[key].as_str().unwrap())).collect()
}

#[test]
fn managers_are_told_who_watches_and_who_came_and_visitors_how_many() {
    let camera = start("");
    let (admin, viewer) = (camera.admin(), camera.viewer());
    let recorder = camera.viewer().with("User-Agent", "Recorder/1.0 \"quoted\" </script>");
    let stream = Viewer::open(&recorder, "/videostream.cgi?resolution=2");
    let _other = Viewer::open(&viewer, "/videostream.asf");
    assert_eq!(viewer.get("/snapshot.cgi?user=nobody&pwd=wrong").status, 200, "one good login is enough");
    assert_eq!(camera.client().get("/snapshot.cgi").status, 401, "who is not let in did not come");

    let told = now(&admin);
    let agent = "Recorder/1.0 \"quoted\" </script>";
    let [first, second] = [["viewer", "/videostream.cgi", agent], ["viewer", "/videostream.asf", ""]];
    assert_eq!((guests(&told["watching"]), told["streams"].as_u64()), (vec![first, second], Some(2)));
    assert_eq!(guests(&told["came"]), [["viewer", "/snapshot.cgi", ""], second, first]);
    assert_eq!(told["watching"][0]["from"], recorder.address().to_string());

    let told = now(&viewer);
    assert_eq!(
        (&told["streams"], &told["watching"], &told["came"], &told["setup_done"]),
        (&2.into(), &Value::Null, &Value::Null, &Value::Null)
    );

    let long = camera.viewer().with("User-Agent", &"ä".repeat(200));
    long.get("/snapshot.cgi");
    assert_eq!(now(&admin)["came"][0]["agent"].as_str().unwrap().chars().count(), 120);

    drop(stream);
    eventually("whoever left watches no more", || guests(&now(&admin)["watching"]) == [second]);
}

#[test]
fn how_much_moves_is_told_while_it_is_looked_for_and_only_then() {
    let camera = start("");
    let admin = camera.admin();
    assert_eq!(now(&admin)["motion"], Value::Null);
    admin.get("/set_alarm.cgi?motion_armed=1&motion_sensitivity=9").ok();
    eventually("it is looked for", || now(&admin)["motion"]["threshold"] == 0.05);
    admin.get("/set_alarm.cgi?motion_sensitivity=0").ok();
    assert_eq!(now(&admin)["motion"]["threshold"], 0.0005);
    eventually("something moves", || now(&admin)["motion"]["score"].as_f64().is_some_and(|score| score > 0.0005));
    admin.get("/set_alarm.cgi?motion_armed=0").ok();
    eventually("it is old after a while", || now(&admin)["motion"] == Value::Null);
}

#[test]
fn whoever_may_see_the_picture_is_told_of_other_cameras_their_names_alone() {
    let camera = start("");
    let none = |number: u8| {
        format!("&dev{number}_alias=&dev{number}_host=&dev{number}_port=0&dev{number}_user=&dev{number}_pwd=")
    };
    let gate = "dev3_alias=Gate&dev3_host=10.1.2.3&dev3_port=81&dev3_user=u&dev3_pwd=secret";
    camera.admin().get(&format!("/set_devices.cgi?{gate}{}{}", none(2), none(4))).ok();
    let text = camera.viewer().get("/now.json").text().to_owned();
    assert!(text.contains("\"devices\":[{\"alias\":\"Gate\",\"number\":3}]"), "{text}");
    assert!(!text.contains("10.1.2.3") && !text.contains("secret"), "{text}");
}
