import type { MethodHandler } from "../provider/invoke-method.ts";
import { jobMethods } from "./job-methods.ts";
import { machineManagementMethods } from "./machine-management.ts";
import { powerMethods } from "./power.ts";
import { resourceSettingsMethods } from "./resource-settings.ts";

/** Who performs which method, by `Class.Method`. A method of the schema that nobody performs answers "not supported". */
export const methodHandlers: Readonly<Record<string, MethodHandler>> = { ...machineManagementMethods, ...resourceSettingsMethods, ...powerMethods, ...jobMethods };
