import type { MethodHandler } from "../provider/invoke-method.ts";
import { checkpointMethods } from "./checkpoints.ts";
import { exchangeItemMethods } from "./exchange-items.ts";
import { featureSettingsMethods } from "./feature-settings.ts";
import { fileMethods } from "./file-methods.ts";
import { imageManagementMethods } from "./image-management.ts";
import { jobMethods } from "./job-methods.ts";
import { keyboardMethods } from "./keyboard.ts";
import { machineInformationMethods } from "./machine-information.ts";
import { machineManagementMethods } from "./machine-management.ts";
import { powerMethods } from "./power.ts";
import { processMethods } from "./processes.ts";
import { resourceSettingsMethods } from "./resource-settings.ts";
import { securityMethods } from "./security.ts";
import { switchManagementMethods } from "./switch-management.ts";

/** Who performs which method, by `Class.Method`. A method of the schema that nobody performs answers "not supported". */
export const methodHandlers: Readonly<Record<string, MethodHandler>> = {
  ...machineManagementMethods, ...resourceSettingsMethods, ...featureSettingsMethods, ...machineInformationMethods, ...exchangeItemMethods, ...powerMethods, ...keyboardMethods, ...jobMethods,
  ...checkpointMethods, ...imageManagementMethods, ...switchManagementMethods, ...securityMethods, ...fileMethods, ...processMethods,
};
