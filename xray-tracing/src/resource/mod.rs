//! Where the process runs: EC2, ECS, EKS, Elastic Beanstalk.
//!
//! In: environment, a few files, the metadata services of the machine and the container. Out: a
//! [`Resource`], once it is known: origin and `aws` block of every segment, and what sampling rules
//! call service type and resource. Owns one short-lived thread. Nothing waits for it: segments that
//! end before are sent without. Rules: plugins of the X-Ray SDKs; origin in the order Beanstalk,
//! EKS, ECS, EC2.

mod beanstalk;
mod detect;
mod ec2;
mod ecs;
mod eks;
mod found;
mod world;

#[cfg(test)]
mod tests;

pub(crate) use detect::start;
pub(crate) use found::Resource;
