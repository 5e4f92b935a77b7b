import { cimv2Namespace, virtualizationNamespace } from "@signet/hyperv/schema";
import type { AssociationSource, ClassSource, ClassSources } from "../class-source.ts";
import { bootSourceSources, logicalIdentity } from "./boot-sources.ts";
import { checkpointAssociations } from "./checkpoints.ts";
import { computerSystemSources } from "./computer-systems.ts";
import { deviceSettingsAssociations, deviceSettingsSources } from "./device-settings.ts";
import { fileSources } from "./files.ts";
import { hostFactAssociations, hostFactSources } from "./host-facts.ts";
import { affectedJobElement, jobSources } from "./jobs.ts";
import { machineDeviceAssociations, machineDeviceSources } from "./machine-devices.ts";
import { resourcePoolAssociations, resourcePoolSources } from "./resource-pools.ts";
import { serviceAssociations, serviceSources } from "./services.ts";
import { summarySources } from "./summary-information.ts";
import { switchAssociations, switchSources } from "./switches.ts";
import { systemSettingsSources } from "./system-settings.ts";

const sources: Readonly<Record<string, ClassSources>> = {
  [virtualizationNamespace]: {
    ...computerSystemSources, ...systemSettingsSources, ...deviceSettingsSources, ...bootSourceSources, ...jobSources, ...machineDeviceSources, ...resourcePoolSources, ...serviceSources, ...summarySources, ...switchSources,
  },
  [cimv2Namespace]: { ...hostFactSources, ...fileSources },
};

const associations: Readonly<Record<string, readonly AssociationSource[]>> = {
  [virtualizationNamespace]: [
    ...machineDeviceAssociations, ...deviceSettingsAssociations, ...switchAssociations, ...serviceAssociations, ...resourcePoolAssociations, ...checkpointAssociations, logicalIdentity, affectedJobElement,
  ],
  [cimv2Namespace]: hostFactAssociations,
};

/** Where a class's instances come from; undefined for associations, and for classes of which this host never has any. */
export function sourceOfClass(namespace: string, className: string): ClassSource | undefined {
  const own = sources[namespace] ?? {};
  return Object.hasOwn(own, className) ? own[className] : undefined;
}

/** Several sources may make links of one class. */
export function associationsOf(namespace: string): readonly AssociationSource[] {
  return associations[namespace] ?? [];
}
