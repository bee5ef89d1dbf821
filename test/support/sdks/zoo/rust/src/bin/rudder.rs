//! Sends one call of each type with the crate `rudderanalytics`: rudder url writeKey marker
use rudderanalytics::client::RudderAnalytics;
use rudderanalytics::message::{Alias, Group, Identify, Message, Page, Screen, Track};
use serde_json::{json, Value};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (url, key, marker) = (args[1].clone(), args[2].clone(), args[3].clone());
    let user = || Some("rust-user".to_string());
    let marked = |kind: &str| -> Option<Value> { Some(json!({ "marker": format!("{marker}-{kind}") })) };
    let calls = [
        Message::Identify(Identify { user_id: user(), traits: marked("identify"), ..Default::default() }),
        Message::Track(Track { user_id: user(), event: "Signed Up".into(), properties: marked("track"), ..Default::default() }),
        Message::Page(Page { user_id: user(), name: "Home".into(), properties: marked("page"), ..Default::default() }),
        Message::Screen(Screen { user_id: user(), name: "Start".into(), properties: marked("screen"), ..Default::default() }),
        Message::Group(Group { user_id: user(), group_id: "group-1".into(), traits: marked("group"), ..Default::default() }),
        Message::Alias(Alias { user_id: "rust-user".into(), previous_id: format!("{marker}-alias"), ..Default::default() }),
    ];
    let analytics = RudderAnalytics::load(key, url);
    let lost = calls.iter().filter_map(|call| analytics.send(call).err()).inspect(|error| eprintln!("lost: {error:?}"));
    if lost.count() > 0 {
        std::process::exit(1);
    }
}
