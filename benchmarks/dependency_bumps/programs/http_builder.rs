//! Answers of a small server.

use http::{Response, StatusCode};

pub struct Page {
    pub body: Option<String>,
    pub cookie: Option<String>,
}

pub fn answer(page: &Page) -> http::Result<Response<String>> {
    let mut builder = Response::builder();
    builder.header("Content-Type", "text/plain");
    if let Some(cookie) = &page.cookie {
        builder.header("Set-Cookie", cookie.as_str());
    }
    match &page.body {
        Some(body) => builder.body(body.clone()),
        None => {
            builder.status(StatusCode::NOT_FOUND);
            builder.body(String::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let found = answer(&Page { body: Some("hi".to_string()), cookie: Some("a=1".to_string()) }).unwrap();
        assert_eq!((found.status(), found.body().as_str()), (StatusCode::OK, "hi"));
        assert_eq!(found.headers()["set-cookie"], "a=1");
        let missing = answer(&Page { body: None, cookie: None }).unwrap();
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        assert_eq!(missing.headers()["content-type"], "text/plain");
    }
}
