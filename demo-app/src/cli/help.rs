//! The texts of `--help`.

/// What help is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Up,
    Frontend,
    Prodcatalog,
    Proddetail,
    Load,
}

impl Topic {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Up => UP,
            Self::Frontend => FRONTEND,
            Self::Prodcatalog => PRODCATALOG,
            Self::Proddetail => PRODDETAIL,
            Self::Load => LOAD,
        }
    }
}

const UP: &str = "\
The workshop's product catalogue on one machine: X-Ray daemon with console, three services, a gentle
load.

Usage: demo-app [up] [OPTIONS]
       demo-app frontend | prodcatalog | proddetail | load [OPTIONS]

Options of up:
  --shop ADDR         where the shop listens            [127.0.0.1:9000]
  --console ADDR      where the console listens         [127.0.0.1:2002]
  --no-load           no requests but your own
  --database URL      sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME
                      [a private file, removed at the end]
  --data-dir DIR      keeps products and traces in DIR, for the next time
  --strict-ports      a taken port is an error, also for the ports that may move:
                      2000, 2001, 3000, 3001, 5000
  -h, --help          this text; also after each of the other commands
  -V, --version

Environment: RUST_LOG for what the services print (warn without it).
Ctrl-C ends everything.
";

const FRONTEND: &str = "\
Frontend, the shop: pages for people. Segment name: Frontend.

Usage: demo-app frontend [OPTIONS]

Options:
  --listen ADDR          [127.0.0.1:9000]
  --base-url URL         product list of Product-Catalog; BASE_URL
                         [http://127.0.0.1:5000/products/]
  --console URL          console that pages link to; CONSOLE_URL [none]
  --daemon-metrics URL   the daemon's /metrics, for the drawing; DAEMON_METRICS_URL [none]
";

const PRODCATALOG: &str = "\
Product-Catalog: keeps the products. Segment name: Product-Catalog.

Usage: demo-app prodcatalog [OPTIONS]

Options:
  --listen ADDR       [127.0.0.1:5000]
  --detail-url URL    of Product-Detail; AGG_APP_URL [http://127.0.0.1:3000/catalogDetail]
  --canary-url URL    of its version 2, which gets every tenth call; AGG_APP_V2_URL [none]
  --database URL      sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME; DATABASE_SERVICE_URL
                      [a private file, removed at the end]
";

const PRODDETAIL: &str = "\
Product-Detail: version and vendors. Segment name: Product-Detail, or Product-Detail-V2.

Usage: demo-app proddetail [OPTIONS]

Options:
  --listen ADDR       [127.0.0.1:3000]
  --version 1|2       [1]
";

const LOAD: &str = "\
Visits a shop like a few people would. Prints what it met at the end.

Usage: demo-app load [OPTIONS]

Options:
  --url URL           of the shop [http://127.0.0.1:9000]
  --rate N            visits a second, 0.1 to 200 [3]
  --mix LIST          kinds of visit and their weights [browse:8,product:2]
                        browse   the product list
                        product  one product and its detail
                        add      adds a product and deletes it again
                        missing  a product that is not there
  --busy TIME         visits for so long [50s] …
  --pause TIME        … and then rests for so long [10s]; 0s never rests
  --for TIME          ends after so long [never]
  --visits N          ends after so many [no limit]
Times are written 500ms, 10s, 5m, 1h. Ctrl-C ends it. At most 16 visits run at once; what does not
fit is left out and counted.
";

/// What all three services take.
pub(crate) const SERVICE: &str = "
Of every service:
  --allow-host NAME       name beside loopback's that a service on loopback answers to; repeatable
  --log-format text|json  json lines carry trace_id [text]
  -h, --help

Environment of every service:
  AWS_XRAY_DAEMON_ADDRESS the daemon [127.0.0.1:2000]
  XRAY_TRACE_HEALTH=true  traces health checks and scrapes too
  XRAY_IGNORE_PATHS       paths without traces, separated by commas [/ping,/products/ping,/metrics]
  RUST_LOG                what is printed [info]
";
