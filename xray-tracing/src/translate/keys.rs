//! The attributes that the translator understands, old and new semantic conventions together.
//!
//! In: the key of an attribute. Out: its [`Key`], if it is one of these. Owns the table. Rule:
//! OpenTelemetry semantic conventions 1.0 to 1.39, and what the AWS distributions add.

/// Declares the keys, in the order of their bytes.
macro_rules! keys {
    ($($name:ident = $text:literal,)*) => {
        /// An attribute that has a place of its own in the document.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::enum_variant_names, reason = "a key of that name is one of them")]
        pub(super) enum Key {
            $($name,)*
        }

        impl Key {
            /// All of them, in the order of [`TEXTS`].
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];
            /// How many there are.
            pub(super) const COUNT: usize = Self::ALL.len();
        }

        /// The keys as text, sorted.
        const TEXTS: [&str; Key::COUNT] = [$($text,)*];
    };
}

keys! {
    KubernetesRemoteNamespace = "K8s.RemoteNamespace",
    AwsAccountId = "aws.account_id",
    AwsDynamodbTableNames = "aws.dynamodb.table_names",
    AwsExtendedRequestId = "aws.extended_request_id",
    AwsKinesisStreamName = "aws.kinesis.stream_name",
    AwsLambdaFunctionName = "aws.lambda.function.name",
    AwsLocalService = "aws.local.service",
    AwsOperation = "aws.operation",
    AwsQueueUrlDotted = "aws.queue.url",
    AwsQueueUrl = "aws.queue_url",
    AwsRegion = "aws.region",
    AwsRemoteOperation = "aws.remote.operation",
    AwsRemoteService = "aws.remote.service",
    AwsRequestIdCamel = "aws.requestId",
    AwsRequestId = "aws.request_id",
    AwsS3Bucket = "aws.s3.bucket",
    AwsS3Key = "aws.s3.key",
    AwsService = "aws.service",
    AwsSnsTopicArn = "aws.sns.topic.arn",
    AwsSpanKind = "aws.span.kind",
    AwsSqsQueueUrl = "aws.sqs.queue.url",
    AwsTableNameDotted = "aws.table.name",
    AwsTableName = "aws.table_name",
    XrayAnnotations = "aws.xray.annotations",
    XrayInProgress = "aws.xray.inprogress",
    XraySamplingRule = "aws.xray.sampling_rule_name",
    ClientAddress = "client.address",
    DbCollectionName = "db.collection.name",
    DbConnectionString = "db.connection_string",
    DbName = "db.name",
    DbNamespace = "db.namespace",
    DbQueryText = "db.query.text",
    DbStatement = "db.statement",
    DbSystem = "db.system",
    DbSystemName = "db.system.name",
    DbUser = "db.user",
    EnduserId = "enduser.id",
    FaasInvocationId = "faas.invocation_id",
    FaasInvokedName = "faas.invoked_name",
    HostName = "host.name",
    HttpClientIp = "http.client_ip",
    HttpHost = "http.host",
    HttpMethod = "http.method",
    HttpRequestMethod = "http.request.method",
    HttpRequestResendCount = "http.request.resend_count",
    HttpResendCount = "http.resend_count",
    HttpResponseBodySize = "http.response.body.size",
    HttpResponseContentLengthHeader = "http.response.header.content-length",
    HttpResponseStatusCode = "http.response.status_code",
    HttpResponseContentLength = "http.response_content_length",
    HttpScheme = "http.scheme",
    HttpServerName = "http.server_name",
    HttpStatusCode = "http.status_code",
    HttpStatusText = "http.status_text",
    HttpTarget = "http.target",
    HttpUrl = "http.url",
    HttpUserAgent = "http.user_agent",
    MessagingDestination = "messaging.destination",
    MessagingDestinationName = "messaging.destination.name",
    MessagingPayloadSize = "messaging.message_payload_size_bytes",
    MessagingSystem = "messaging.system",
    MessagingUrl = "messaging.url",
    NetHostName = "net.host.name",
    NetHostPort = "net.host.port",
    NetPeerIp = "net.peer.ip",
    NetPeerName = "net.peer.name",
    NetPeerPort = "net.peer.port",
    NetSockPeerAddr = "net.sock.peer.addr",
    NetworkPeerAddress = "network.peer.address",
    PeerService = "peer.service",
    RemoteTarget = "remoteTarget",
    RpcMethod = "rpc.method",
    RpcService = "rpc.service",
    RpcSystem = "rpc.system",
    RpcSystemName = "rpc.system.name",
    ServerAddress = "server.address",
    ServerPort = "server.port",
    ServicePeerName = "service.peer.name",
    UrlFull = "url.full",
    UrlPath = "url.path",
    UrlQuery = "url.query",
    UrlScheme = "url.scheme",
    UserId = "user.id",
    UserName = "user.name",
    UserAgentOriginal = "user_agent.original",
}

impl Key {
    /// The key of this text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let place = TEXTS.binary_search(&text).ok()?;
        Self::ALL.get(place).copied()
    }

    /// Where it stands in a table of all keys.
    pub(super) fn place(self) -> usize {
        self as usize
    }

    /// Its text.
    pub(super) fn text(self) -> &'static str {
        TEXTS[self.place()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_by_its_text() {
        assert!(TEXTS.is_sorted(), "binary search needs the order of bytes");
        for key in Key::ALL {
            assert_eq!(Key::parse(key.text()), Some(*key));
        }
        assert_eq!(Key::parse("http.route"), None);
        assert_eq!(Key::parse(""), None);
    }
}
