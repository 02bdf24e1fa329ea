//! Whether AWS is reached: region, endpoint, name, connection, credentials, a signed call, clock.
//!
//! In: settings of the backend `aws`. Out: findings. Owns nothing afterwards. The call is
//! `GetSamplingRules`, which changes nothing and which the daemon makes for its SDKs as well.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use super::reach::reach;
use super::report::Finding;
use crate::backend::aws::{AwsError, CallError, XRay};
use crate::config::AwsSettings;
use crate::counters::BackendCounters;

/// A clock that is off by more makes AWS refuse signatures; by less than a fifth it is of no note.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

const POLICY: &str = "attach the managed policy AWSXRayDaemonWriteAccess to the role";

/// Makes the checks, as far as each can be made.
pub(super) async fn check(settings: &AwsSettings) -> Vec<Finding> {
    let counters = Arc::new(BackendCounters::new("aws"));
    let service = match XRay::open(settings, counters).await {
        Ok(service) => service,
        Err(refused) => return vec![not_opened(&refused)],
    };
    let mut findings =
        vec![Finding::ok("region", service.region()), Finding::ok("endpoint", service.endpoint())];
    let target = settings.proxy.as_deref().unwrap_or(service.endpoint());
    let check = if settings.proxy.is_some() { "proxy" } else { "connection" };
    let reached = reach(check, target).await;
    let is_reached = reached.verdict != super::Verdict::Fail;
    findings.push(reached);
    let credentials = credentials(&service).await;
    let is_known = credentials.verdict != super::Verdict::Fail;
    findings.push(credentials);
    if is_reached && is_known {
        findings.extend(call(&service).await);
    } else {
        findings.push(Finding::skip("signed call", "not made: see above"));
    }
    findings
}

fn not_opened(refused: &AwsError) -> Finding {
    match refused {
        AwsError::NoRegion => Finding::fail(
            "region",
            "neither flag, file, environment nor metadata names one",
            "give one with --region, in AWS_REGION, or as Region in the file",
        ),
        AwsError::Region(_) => {
            Finding::fail("region", refused.to_string(), "put --region or AWS_REGION right")
        }
        other => Finding::fail("endpoint", with_causes(other), "put right what is named"),
    }
}

async fn credentials(service: &XRay) -> Finding {
    match service.identity().await {
        Err(reason) => Finding::fail(
            "credentials",
            reason.to_string(),
            "on EKS associate a role with the service account (Pod Identity or IRSA), on ECS give \
             the task a role, on EC2 an instance profile; elsewhere keys or a profile",
        ),
        Ok(identity) => Finding::ok(
            "credentials",
            match identity.expiration().and_then(|end| end.duration_since(SystemTime::now()).ok()) {
                Some(left) => format!("found, valid for {} min and renewed", left.as_secs() / 60),
                None => "found, without an end".to_owned(),
            },
        ),
    }
}

/// Makes a signed call, and compares the clocks.
async fn call(service: &XRay) -> Vec<Finding> {
    let started = Instant::now();
    let answer = service.call("/GetSamplingRules", HeaderMap::new(), Bytes::from("{}")).await;
    match answer {
        Err(refused) => vec![unanswered(&refused)],
        Ok(answer) => {
            let verdict = answered(&answer, started.elapsed());
            vec![verdict].into_iter().chain(clock(&answer, SystemTime::now())).collect()
        }
    }
}

fn answered(answer: &Response<Bytes>, took: Duration) -> Finding {
    let check = "signed call";
    let status = answer.status();
    if status.is_success() {
        return Finding::ok(check, format!("GetSamplingRules in {} ms", took.as_millis()));
    }
    let said: String = String::from_utf8_lossy(answer.body()).chars().take(300).collect();
    let detail = format!("GetSamplingRules is refused with {}: {said}", status.as_u16());
    let advice = match status {
        StatusCode::FORBIDDEN
            if said.contains("not authorized") || said.contains("AccessDenied") =>
        {
            POLICY
        }
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
            "are the keys right and of this partition, and is the clock? (see below)"
        }
        StatusCode::TOO_MANY_REQUESTS => "the account is throttled; ask for a higher quota",
        _ => "look at the state of AWS X-Ray in this region, and at --region and Endpoint",
    };
    if status == StatusCode::FORBIDDEN && advice == POLICY {
        // Uploads may be allowed all the same.
        return Finding::warn(check, detail, advice);
    }
    Finding::fail(check, detail, advice)
}

fn unanswered(refused: &CallError) -> Finding {
    let text = with_causes(refused);
    let advice = if text.contains("certificate") {
        "the certificate is not trusted: name the authority in SSL_CERT_FILE or AWS_CA_BUNDLE, or \
         install ca-certificates; does a proxy open TLS?"
    } else {
        "see the checks above; is there a proxy or a firewall in between?"
    };
    Finding::fail("signed call", text, advice)
}

/// Compares our clock with that of the service.
fn clock(answer: &Response<Bytes>, now: SystemTime) -> Option<Finding> {
    let date = answer.headers().get(http::header::DATE)?.to_str().ok()?;
    let theirs = http_date(date)?;
    let skew = now.duration_since(theirs).unwrap_or_else(|early| early.duration());
    let detail = format!("{} s from that of AWS", skew.as_secs());
    let advice = "set the clock (chrony, timedatectl): AWS refuses signatures that are older than \
                  five minutes";
    Some(if skew > MAX_SKEW {
        Finding::fail("clock", detail, advice)
    } else if skew > MAX_SKEW / 5 {
        Finding::warn("clock", detail, advice)
    } else {
        Finding::ok("clock", detail)
    })
}

/// `Tue, 24 Nov 2026 02:17:17 GMT`.
fn http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|known| *known == month)? as u64;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Years that start in March have their leap day at the end.
    let (from_march, of_year) = if month < 2 { (month + 10, year - 1) } else { (month - 2, year) };
    let leaps = of_year / 4 - of_year / 100 + of_year / 400;
    let days = of_year * 365 + leaps + (from_march * 153 + 2) / 5 + day.checked_sub(1)?;
    let seconds = days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn dates_of_http_are_read() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
            ("Tue, 24 Nov 2026 02:17:17 GMT", 1_795_486_637),
        ] {
            assert_eq!(http_date(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "yesterday", "Tue, 0 Nov 2026 02:17:17 GMT", "Tue, 24 Nov 1026 1:2:3 GMT"]
        {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_noticed_before_aws_refuses_it() {
        let theirs = UNIX_EPOCH + Duration::from_secs(1_795_486_637);
        let answer = Response::builder().header("date", "Tue, 24 Nov 2026 02:17:17 GMT");
        let answer = answer.body(Bytes::new()).unwrap();
        for (off_s, verdict) in [(0, Verdict::Ok), (61, Verdict::Warn), (301, Verdict::Fail)] {
            let off = Duration::from_secs(off_s);
            assert_eq!(clock(&answer, theirs + off).unwrap().verdict, verdict);
            assert_eq!(clock(&answer, theirs - off).unwrap().verdict, verdict);
        }
        assert_eq!(clock(&Response::new(Bytes::new()), theirs), None);
    }

    #[test]
    fn what_the_service_says_leads_to_an_advice() {
        let finding = |status: u16, body: &'static str| {
            let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
            answered(&answer, Duration::from_millis(12))
        };
        assert_eq!(finding(200, "{}").detail, "GetSamplingRules in 12 ms");
        let denied = finding(403, r#"{"message":"User: x is not authorized to perform: xray"}"#);
        assert_eq!((denied.verdict, denied.advice.as_deref()), (Verdict::Warn, Some(POLICY)));
        let unsigned = finding(403, r#"{"message":"The request signature does not match"}"#);
        assert_eq!(unsigned.verdict, Verdict::Fail);
        assert!(unsigned.advice.unwrap().contains("clock"));
    }

    #[tokio::test]
    async fn a_region_that_is_none_ends_the_checks() {
        let settings = AwsSettings { region: Some("a b".into()), ..AwsSettings::default() };
        let findings = check(&settings).await;
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].check.as_str(), findings[0].verdict), ("region", Verdict::Fail));
    }
}
