/// Short names for the generated wire types. Nothing is spelled here a second time.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Amounts = Schemas["Amounts"];
export type ApiKey = Schemas["ApiKey"];
export type Attempt = Schemas["Attempt"];
export type AttemptState = Schemas["AttemptState"];
export type Cluster = Schemas["Cluster"];
export type CreateQueue = Schemas["CreateQueue"];
export type CreateUser = Schemas["CreateUser"];
export type FieldError = Schemas["FieldError"];
export type Job = Schemas["Job"];
export type JobCounts = Schemas["JobCounts"];
export type JobEvent = Schemas["JobEvent"];
export type JobSpec = Schemas["JobSpec"];
export type JobState = Schemas["JobState"];
export type JoinKey = Schemas["JoinKey"];
export type LogChunk = Schemas["LogChunk"];
export type LoginMethods = Schemas["LoginMethods"];
export type LoginResponse = Schemas["LoginResponse"];
export type MetricPoint = Schemas["MetricPoint"];
export type Network = Schemas["Network"];
export type Node = Schemas["Node"];
export type NodeState = Schemas["NodeState"];
export type Problem = Schemas["Problem"];
export type PullProgress = Schemas["PullProgress"];
export type Queue = Schemas["Queue"];
export type Reason = Schemas["Reason"];
export type Role = Schemas["Role"];
export type UpdateUser = Schemas["UpdateUser"];
export type User = Schemas["User"];
