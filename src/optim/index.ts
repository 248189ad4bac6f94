export { createOptimizer } from "./create.ts";
export * from "./definitions.ts";
export type { CommonOptions, Optimizer } from "./optimizer.ts";
export { defineSchedule, type OwnSchedule } from "./schedules/define.ts";
export { scheduleFromConfig } from "./schedules/from-config.ts";
export type { LearningRate, Schedule, ScheduleData } from "./schedules/schedule.ts";
export * from "./schedules/schedules.ts";
