//! What the daemon tells X-Ray of itself: `PutTelemetryRecords`, once a minute.
//!
//! In: the counters. Out: one record a minute, from the first segment on, and a last one after the
//! drain. Owns the records that could not be sent: the newest 30, ten a call. The body is the
//! reference daemon's, the three texts are sent even where they are empty:
//!
//! ```text
//! POST {endpoint}/TelemetryRecords
//! {"EC2InstanceId":"i-0123","Hostname":"ip-10-0-0-1","ResourceARN":"","TelemetryRecords":[
//!   {"Timestamp":1732414637.123,"SegmentsReceivedCount":50,"SegmentsSentCount":49,
//!    "SegmentsSpilloverCount":0,"SegmentsRejectedCount":1,"BackendConnectionErrors":{
//!      "TimeoutCount":0,"ConnectionRefusedCount":0,"HTTPCode4XXCount":0,"HTTPCode5XXCount":1,
//!      "UnknownHostCount":0,"OtherCount":0}}]}
//! ```

mod record;
mod reporter;
mod ring;

pub(crate) use reporter::report;
