//! Sends a batch with one call of each type with the crate `segment`: segment url writeKey marker
use segment::message::{Alias, Batch, BatchMessage, Group, Identify, Page, Screen, Track, User};
use segment::{Client, HttpClient, Message};
use serde_json::{json, Value};

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (url, key, marker) = (args[1].clone(), args[2].clone(), args[3].clone());
    let user = || User::UserId { user_id: "rust-user".into() };
    let marked = |kind: &str| -> Value { json!({ "marker": format!("{marker}-{kind}") }) };
    let batch = vec![
        BatchMessage::Identify(Identify { user: user(), traits: marked("identify"), ..Default::default() }),
        BatchMessage::Track(Track { user: user(), event: "Signed Up".into(), properties: marked("track"), ..Default::default() }),
        BatchMessage::Page(Page { user: user(), name: "Home".into(), properties: marked("page"), ..Default::default() }),
        BatchMessage::Screen(Screen { user: user(), name: "Start".into(), properties: marked("screen"), ..Default::default() }),
        BatchMessage::Group(Group { user: user(), group_id: "group-1".into(), traits: marked("group"), ..Default::default() }),
        BatchMessage::Alias(Alias { user: user(), previous_id: format!("{marker}-alias"), ..Default::default() }),
    ];
    let client = HttpClient::new(reqwest::Client::new(), url);
    if let Err(error) = client.send(key, Message::Batch(Batch { batch, ..Default::default() })).await {
        eprintln!("lost: {error}");
        std::process::exit(1);
    }
}
