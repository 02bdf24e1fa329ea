//! The detectors in made-up worlds, with metadata services that answer over TCP.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::detect::detect;
use super::found::Resource;
use super::world::World;
use crate::document::json::Writer;
use crate::emitter::Endpoint;

type Texts = &'static [(&'static str, &'static str)];

/// A world of these variables and files. Nobody answers at its metadata service.
fn world(variables: Texts, files: Texts) -> World {
    let (variables, files): (HashMap<_, _>, HashMap<_, _>) =
        (variables.iter().copied().collect(), files.iter().copied().collect());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    World {
        variable: Box::new(move |name| variables.get(name).map(|text| (*text).to_owned())),
        file: Box::new(move |path| files.get(path).map(|text| (*text).to_owned())),
        imds: Endpoint { host: "127.0.0.1".to_owned(), port: nobody },
    }
}

/// Answers these in turn; gives back the requests.
fn serve(answers: Vec<String>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move |answer: &String| {
        let mut stream = listener.accept().unwrap().0;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    };
    (port, thread::spawn(move || answers.iter().map(answer).collect()))
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Origin and `aws` block.
fn facts(resource: &Resource) -> (Option<&'static str>, Value) {
    let mut text = Vec::new();
    let mut json = Writer::new(&mut text);
    json.open_object();
    resource.write(&mut json);
    json.close_object();
    (resource.origin(), serde_json::from_slice(&text).unwrap())
}

#[test]
fn nowhere_in_particular_there_is_nothing_to_say() {
    assert_eq!(facts(&detect(&world(&[], &[]))), (None, json!({})));
}

#[test]
fn an_ec2_instance_says_what_it_is_to_who_has_a_token() {
    let unwell = "HTTP/1.1 503 Unwell\r\nContent-Length: 0\r\n\r\n".to_owned();
    let document = r#"{"accountId": "111122223333", "availabilityZone": "eu-west-1a",
        "imageId": "ami-1", "instanceId": "i-1", "instanceType": "t3.micro", "kernelId": null}"#;
    let (port, requests) = serve(vec![unwell, ok("TOKEN=="), ok(document)]);
    let mut world = world(&[], &[]);
    world.imds.port = port;
    let expected = json!({
        "account_id": "111122223333",
        "ec2": { "instance_id": "i-1", "instance_size": "t3.micro", "ami_id": "ami-1",
                 "availability_zone": "eu-west-1a" },
    });
    assert_eq!(facts(&detect(&world)), (Some("AWS::EC2::Instance"), expected));
    let requests = requests.join().unwrap();
    assert!(requests[1].starts_with("PUT /latest/api/token HTTP/1.1\r\n"), "{}", requests[1]);
    assert!(requests[1].contains("X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"));
    assert!(requests[2].starts_with("GET /latest/dynamic/instance-identity/document HTTP/1.1"));
    assert!(requests[2].contains("X-aws-ec2-metadata-token: TOKEN==\r\n"));
}

#[test]
fn a_metadata_service_that_refuses_or_lies_is_left_alone() {
    for answers in [
        vec!["HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n".to_owned()],
        vec![ok("two\r\nlines")],
        vec![ok("TOKEN"), ok("no json")],
    ] {
        let (port, requests) = serve(answers);
        let mut world = world(&[], &[]);
        world.imds.port = port;
        assert_eq!(facts(&detect(&world)), (None, json!({})));
        requests.join().unwrap();
    }
    let off = world(&[("AWS_EC2_METADATA_DISABLED", "true")], &[]);
    assert_eq!(facts(&detect(&off)).0, None);
}

#[test]
fn an_ecs_task_names_its_container_and_its_log_group() {
    let container = r#"{"DockerId": "ab-1", "Name": "shop",
        "ContainerARN": "arn:aws:ecs:eu-west-1:111122223333:container/c/1",
        "LogDriver": "awslogs",
        "LogOptions": {"awslogs-group": "/ecs/shop", "awslogs-region": "eu-west-2"}}"#;
    let (port, requests) = serve(vec![ok(container)]);
    let mut world = world(&[], &[]);
    world.variable = Box::new(move |name| match name {
        "ECS_CONTAINER_METADATA_URI_V4" => Some(format!("http://127.0.0.1:{port}/v4/abc")),
        "HOSTNAME" => Some("ip-10-0-0-7".to_owned()),
        _ => None,
    });
    let resource = detect(&world);
    assert_eq!(resource.arn(), Some("arn:aws:ecs:eu-west-1:111122223333:container/c/1"));
    let expected = json!({
        "ecs": { "container": "ip-10-0-0-7", "container_id": "ab-1",
                 "container_arn": "arn:aws:ecs:eu-west-1:111122223333:container/c/1" },
        "cloudwatch_logs": [{ "log_group": "/ecs/shop",
            "arn": "arn:aws:logs:eu-west-2:111122223333:log-group:/ecs/shop" }],
    });
    assert_eq!(facts(&resource), (Some("AWS::ECS::Container"), expected));
    assert!(requests.join().unwrap()[0].starts_with("GET /v4/abc HTTP/1.1\r\n"));
}

/// Claims `{"iss":"https://oidc.eks.eu-west-1.amazonaws.com/id/X","kubernetes.io":{"pod":{"name":"shop-7"}}}`.
const EKS_TOKEN: &str = "e30.eyJpc3MiOiJodHRwczovL29pZGMuZWtzLmV1LXdlc3QtMS5hbWF6b25hd3MuY29tL2lkL1giLCJrdWJlcm5ldGVzLmlvIjp7InBvZCI6eyJuYW1lIjoic2hvcC03In19fQ.c2ln";
/// Claims `{"iss":"https://kubernetes.default.svc"}`.
const OTHER_TOKEN: &str = "e30.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMifQ.c2ln";
const CGROUP: &str = "1:name=systemd:/kubepods/burstable/pod1/\
    cri-containerd-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\n";

#[test]
fn a_pod_of_eks_is_known_by_its_token() {
    let world = world(
        &[
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a=b, k8s.cluster.name=workshop"),
        ],
        &[
            ("/var/run/secrets/kubernetes.io/serviceaccount/token", EKS_TOKEN),
            ("/proc/self/cgroup", CGROUP),
        ],
    );
    let expected = json!({
        "eks": { "cluster_name": "workshop", "pod": "shop-7",
            "container_id": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
        "cloudwatch_logs": [{ "log_group": "/aws/containerinsights/workshop/application" }],
    });
    assert_eq!(facts(&detect(&world)), (Some("AWS::EKS::Container"), expected));
}

#[test]
fn another_kubernetes_is_not_eks() {
    let world = world(
        &[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("CLUSTER_NAME", "kind")],
        &[("/var/run/secrets/kubernetes.io/serviceaccount/token", OTHER_TOKEN)],
    );
    assert_eq!(facts(&detect(&world)), (None, json!({})));
}

#[test]
fn beanstalk_comes_before_the_machine_it_runs_on() {
    let document = r#"{"instanceId": "i-1"}"#;
    let (port, requests) = serve(vec![ok("TOKEN"), ok(document)]);
    let mut world = world(
        &[("AWS_LOG_GROUP", "/shop")],
        &[(
            "/var/elasticbeanstalk/xray/environment.conf",
            r#"{"environment_name": "prod", "version_label": "v7", "deployment_id": 3}"#,
        )],
    );
    world.imds.port = port;
    let expected = json!({
        "elastic_beanstalk": { "environment_name": "prod", "version_label": "v7",
                               "deployment_id": 3 },
        "ec2": { "instance_id": "i-1" },
        "cloudwatch_logs": [{ "log_group": "/shop" }],
    });
    let origin = Some("AWS::ElasticBeanstalk::Environment");
    assert_eq!(facts(&detect(&world)), (origin, expected));
    requests.join().unwrap();
}
