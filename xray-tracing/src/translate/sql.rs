//! The `sql` block, and the name of a database.
//!
//! In: the attributes of a database call, of old and new conventions. Out: the block, and ticks on
//! what it says. Owns the list of databases that speak SQL. Rule: X-Ray developer guide, "SQL
//! queries"; the Collector's `awsxray` exporter, but for the `url`, which is the database's here and
//! the span's name there.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::keys::Key;
use super::url::{host_and_port, split, without_credentials};
use crate::document::Sql;

const SYSTEM: [Key; 2] = [Key::DbSystem, Key::DbSystemName];
const DATABASE: [Key; 2] = [Key::DbName, Key::DbNamespace];
const STATEMENT: [Key; 2] = [Key::DbStatement, Key::DbQueryText];
const HOST: [Key; 3] = [Key::ServerAddress, Key::NetPeerName, Key::NetPeerIp];
const PORT: [Key; 2] = [Key::ServerPort, Key::NetPeerPort];

/// Values of `db.system` and `db.system.name` that speak SQL, in the order of their bytes.
const SQL_SYSTEMS: [&str; 48] = [
    "actian.ingres",
    "aws.redshift",
    "cache",
    "clickhouse",
    "cloudscape",
    "cockroachdb",
    "db2",
    "derby",
    "edb",
    "firebird",
    "firebirdsql",
    "firstsql",
    "gcp.spanner",
    "h2",
    "h2database",
    "hanadb",
    "hive",
    "hsqldb",
    "ibm.db2",
    "ibm.informix",
    "ibm.netezza",
    "informix",
    "ingres",
    "instantdb",
    "interbase",
    "intersystems_cache",
    "mariadb",
    "maxdb",
    "microsoft.sql_server",
    "mssql",
    "mysql",
    "netezza",
    "oracle",
    "oracle.db",
    "other_sql",
    "pervasive",
    "pointbase",
    "postgresql",
    "redshift",
    "sap.hana",
    "sap.maxdb",
    "spanner",
    "sqlite",
    "sqlserver",
    "sybase",
    "teradata",
    "trino",
    "vertica",
];

/// Whether this database speaks SQL. SDKs write its name in any case.
pub(super) fn speaks_sql(system: &str) -> bool {
    let system = system.to_ascii_lowercase();
    SQL_SYSTEMS.binary_search(&system.as_str()).is_ok()
}

/// `database@host`, as X-Ray's SDKs name database calls; without host if none is known.
pub(super) fn database_name<'s>(attributes: &Attributes<'s>) -> Option<Cow<'s, str>> {
    let database = database(attributes)?;
    Some(match host(attributes) {
        Some(host) => Cow::Owned(format!("{database}@{host}")),
        None => Cow::Borrowed(database),
    })
}

/// The database; of `database|schema` the first. The number of a Redis database names nothing.
fn database<'s>(attributes: &Attributes<'s>) -> Option<&'s str> {
    let said = attributes.first_text(&DATABASE)?;
    let name = said.split('|').next().unwrap_or(said);
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    (!name.is_empty() && !is_number).then_some(name)
}

fn host<'s>(attributes: &Attributes<'s>) -> Option<&'s str> {
    let in_connection = || {
        let parts = split(connection(attributes)?)?;
        Some(parts.host).filter(|host| !host.is_empty())
    };
    in_connection().or_else(|| attributes.first_text(&HOST).map(|host| host_and_port(host).0))
}

/// The connection string, without the prefix of Java's.
fn connection<'s>(attributes: &Attributes<'s>) -> Option<&'s str> {
    let text = attributes.text(Key::DbConnectionString)?;
    Some(text.strip_prefix("jdbc:").unwrap_or(text))
}

/// Makes the block of a call to a database that speaks SQL.
pub(super) fn sql(attributes: &mut Attributes<'_>) -> Option<Sql> {
    let system = attributes.first_text(&SYSTEM).filter(|system| speaks_sql(system))?;
    let database = database(attributes);
    let mut sql = Sql {
        sanitized_query: attributes.first_text(&STATEMENT).map(str::to_owned),
        database_type: Some(system.to_owned()),
        user: attributes.first_text(&[Key::DbUser, Key::UserName]).map(str::to_owned),
        ..Sql::default()
    };
    match attributes.text(Key::DbConnectionString) {
        Some(text) => {
            let connection = with_database(&without_secrets(text), database);
            sql.url = split(&connection).is_some().then(|| connection.clone());
            sql.connection_string = Some(connection);
        }
        None => sql.url = composed_url(attributes, system, database),
    }
    tick(attributes, &sql, database);
    Some(sql)
}

/// `connection/database`, if it does not end so already.
fn with_database(connection: &str, database: Option<&str>) -> String {
    match database {
        Some(database) if !connection.contains(database) => {
            format!("{}/{database}", connection.trim_end_matches('/'))
        }
        _ => connection.to_owned(),
    }
}

/// Connection strings carry passwords, as a URL's user part or as `Password=…;`.
fn without_secrets(connection: &str) -> String {
    let bare = connection.strip_prefix("jdbc:");
    if let Some(parts) = split(bare.unwrap_or(connection)) {
        let prefix = if bare.is_some() { "jdbc:" } else { "" };
        let rest = parts.rest.split(['?', ';']).next().unwrap_or_default();
        let port = if parts.port.is_empty() { "" } else { ":" };
        return format!("{prefix}{}://{}{port}{}{rest}", parts.scheme, parts.host, parts.port);
    }
    let is_secret = |part: &&str| {
        let key = part.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        !["password", "pwd", "secret", "token"].iter().any(|word| key.contains(word))
    };
    let kept: Vec<&str> = connection.split(';').filter(is_secret).collect();
    without_credentials(&kept.join(";"))
}

/// `system://host:port/database`, of what is known.
fn composed_url(
    attributes: &Attributes<'_>,
    system: &str,
    database: Option<&str>,
) -> Option<String> {
    let host = host(attributes)?;
    let port = attributes.first_integer(&PORT).map(|port| format!(":{port}")).unwrap_or_default();
    let database = database.map(|database| format!("/{database}")).unwrap_or_default();
    Some(format!("{}://{host}{port}{database}", system.to_ascii_lowercase()))
}

fn tick(attributes: &mut Attributes<'_>, sql: &Sql, database: Option<&str>) {
    attributes.tick_same(&STATEMENT, sql.sanitized_query.as_deref().unwrap_or_default());
    attributes.tick_same(&SYSTEM, sql.database_type.as_deref().unwrap_or_default());
    attributes.tick_same(&[Key::DbUser, Key::UserName], sql.user.as_deref().unwrap_or_default());
    // What is left of it holds no secret.
    attributes.tick(Key::DbConnectionString);
    let address = sql.url.as_deref().or(sql.connection_string.as_deref()).unwrap_or_default();
    if let Some(database) = database.filter(|database| address.contains(*database)) {
        attributes.tick_same(&DATABASE, database);
    }
    let Some(parts) = sql.url.as_deref().and_then(split) else { return };
    attributes.tick_same(&HOST, parts.host);
    for key in PORT {
        let port = attributes.get(key).and_then(super::view::Value::as_integer);
        if port.is_some_and(|port| port.to_string() == parts.port) {
            attributes.tick(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_read_in_any_case() {
        assert!(SQL_SYSTEMS.is_sorted());
        assert!(speaks_sql("PostgreSQL") && speaks_sql("microsoft.sql_server"));
        assert!(!speaks_sql("redis") && !speaks_sql("mongodb") && !speaks_sql(""));
    }

    #[test]
    fn passwords_leave_connection_strings() {
        assert_eq!(without_secrets("postgresql://u:p@h:1/d?password=x"), "postgresql://h:1/d");
        assert_eq!(without_secrets("jdbc:mysql://u:p@h/d;pwd=x"), "jdbc:mysql://h/d");
        assert_eq!(
            without_secrets("Server=h;Database=d;User Id=u;Password=p"),
            "Server=h;Database=d;User Id=u"
        );
    }
}
