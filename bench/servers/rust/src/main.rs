// Minimal durable ingestion server: "what a compiled language can do" anchor.
// POST /v1/track (one event) and /v1/batch ({"batch":[...]}). JSON is checked in full (serde_json, every value of
// every event is parsed), userId or anonymousId must be a non-empty string, each event becomes one Kafka record
// (value = the event's own bytes), and 200 is sent only when every record of the request was delivered with
// acks=all and idempotence on. gzip bodies are inflated (bounded).
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, header, server::conn::http1, service::service_fn, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rdkafka::{
    config::ClientConfig,
    producer::{FutureProducer, FutureRecord, Producer},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, convert::Infallible, env, io::Read, time::Duration};

#[global_allocator]
static A: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MAX_BODY: usize = 8 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids<'a> {
    #[serde(borrow, default)]
    user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    anonymous_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message_id: Option<Cow<'a, str>>,
}
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
}

#[derive(Clone)]
struct App {
    producer: FutureProducer,
    topic: &'static str,
    auth: Option<&'static str>,
}

fn answer(code: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    Response::builder()
        .status(code)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap()
}
fn bad(why: &'static str) -> Response<Full<Bytes>> {
    answer(StatusCode::BAD_REQUEST, why)
}

async fn handle(app: App, req: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let single = match (req.method(), req.uri().path()) {
        (&Method::POST, "/v1/track") => true,
        (&Method::POST, "/v1/batch") => false,
        (&Method::GET, "/health") => return Ok(answer(StatusCode::OK, "{}")),
        _ => return Ok(answer(StatusCode::NOT_FOUND, "{}")),
    };
    if let Some(a) = app.auth {
        if req.headers().get(header::AUTHORIZATION).map(|v| v.as_bytes()) != Some(a.as_bytes()) {
            return Ok(answer(StatusCode::UNAUTHORIZED, "{}"));
        }
    }
    let gz = req
        .headers()
        .get(header::CONTENT_ENCODING)
        .map(|v| v.as_bytes() == b"gzip")
        .unwrap_or(false);
    let mut body = match Limited::new(req.into_body(), MAX_BODY).collect().await {
        Ok(b) => b.to_bytes(),
        Err(_) => return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, "{}")),
    };
    if gz {
        let mut out = Vec::with_capacity(body.len() * 8);
        if flate2::read::GzDecoder::new(&body[..])
            .take(MAX_BODY as u64 + 1)
            .read_to_end(&mut out)
            .is_err()
        {
            return Ok(bad("{\"error\":\"gzip\"}"));
        }
        if out.len() > MAX_BODY {
            return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, "{}"));
        }
        body = out.into();
    }
    let text = match std::str::from_utf8(&body) {
        Ok(t) => t,
        Err(_) => return Ok(bad("{\"error\":\"utf8\"}")),
    };
    let one;
    let many;
    let events: &[&RawValue] = if single {
        one = [match serde_json::from_str::<&RawValue>(text) {
            Ok(v) => v,
            Err(_) => return Ok(bad("{\"error\":\"json\"}")),
        }];
        &one
    } else {
        many = match serde_json::from_str::<Batch>(text) {
            Ok(b) => b.batch,
            Err(_) => return Ok(bad("{\"error\":\"json\"}")),
        };
        &many
    };
    let mut ids = Vec::with_capacity(events.len());
    for e in events {
        // a derived Deserialize walks the whole object: every other value is checked and skipped
        match serde_json::from_str::<Ids>(e.get()) {
            Ok(i)
                if i.user_id.as_deref().map_or(false, |s| !s.is_empty())
                    || i.anonymous_id.as_deref().map_or(false, |s| !s.is_empty()) =>
            {
                ids.push(i)
            }
            _ => return Ok(bad("{\"error\":\"userId or anonymousId\"}")),
        }
    }
    let mut acks = Vec::with_capacity(events.len());
    for (e, i) in events.iter().zip(&ids) {
        let key: &str = i
            .user_id
            .as_deref()
            .or(i.anonymous_id.as_deref())
            .or(i.message_id.as_deref())
            .unwrap_or("");
        match app
            .producer
            .send_result(FutureRecord::to(app.topic).key(key).payload(e.get()))
        {
            Ok(f) => acks.push(f),
            Err(_) => return Ok(answer(StatusCode::SERVICE_UNAVAILABLE, "{}")),
        }
    }
    match try_join_all(acks).await {
        Ok(rs) if rs.iter().all(|r| r.is_ok()) => Ok(answer(StatusCode::OK, "{\"success\":true}")),
        _ => Ok(answer(StatusCode::SERVICE_UNAVAILABLE, "{}")),
    }
}

async fn serve() {
    let port: u16 = env::var("PORT").expect("PORT").parse().expect("PORT");
    let mut c = ClientConfig::new();
    c.set("bootstrap.servers", env::var("KAFKA").expect("KAFKA"))
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", env::var("LINGER_MS").unwrap_or("2".into()))
        .set("compression.type", env::var("COMPRESSION").unwrap_or("none".into()))
        .set("batch.size", "1000000")
        .set("queue.buffering.max.messages", "500000")
        .set("queue.buffering.max.kbytes", "524288")
        .set("message.timeout.ms", "30000")
        .set("socket.nagle.disable", "true")
        .set("partitioner", "murmur2_random");
    if let Ok(p) = env::var("STICKY_MS") {
        c.set("sticky.partitioning.linger.ms", p);
    }
    let app = App {
        producer: c.create().expect("producer"),
        topic: Box::leak(env::var("TOPIC").unwrap_or("events".into()).into_boxed_str()),
        auth: env::var("AUTH").ok().map(|s| &*Box::leak(s.into_boxed_str())),
    };
    app.producer
        .client()
        .fetch_metadata(Some(app.topic), Duration::from_secs(10))
        .expect("kafka metadata");
    let l = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("bind");
    eprintln!("rustref on 127.0.0.1:{port}, topic {}", app.topic);
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    loop {
        let s = tokio::select! { _ = term.recv() => break, s = l.accept() => s };
        let Ok((s, _)) = s else { continue };
        let _ = s.set_nodelay(true);
        let app = app.clone();
        tokio::spawn(async move {
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(s), service_fn(move |r| handle(app.clone(), r)))
                .await;
        });
    }
    let _ = app.producer.flush(Duration::from_secs(10));
}
fn main() {
    let n: usize = env::var("THREADS").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut b = if n <= 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut b = tokio::runtime::Builder::new_multi_thread();
        b.worker_threads(n);
        b
    };
    b.enable_all().build().unwrap().block_on(serve());
}
