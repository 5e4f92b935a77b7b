/** A string literal of WQL: a backslash escapes there, so each of a path is written twice. */
export function wqlText(value: string): string {
  return `'${value.replace(/[\\']/g, "\\$&")}'`;
}

/** Selects instances whose id begins with the settings id of a machine. GUIDs hold nothing that LIKE would read as a pattern. */
export function ofMachine(guid: string): string {
  return `InstanceID LIKE ${wqlText(`Microsoft:${guid}%`)}`;
}
