import { describeRelease, type Filter, type FilterReason, type HostState, type SecureBootNeed } from "./host-state.ts";

const filter = "SecureBootFilter";

/** What the blueprint calls ideal: each host's Secure Boot capability is a fact, and the scheduler matches it by itself. */
export const secureBootFilter: Filter = (host, request) => {
  const facts = host.facts;
  if (facts === null) return null;
  if (request.generation === 2 && !facts.secureBoot.generation2) {
    return { filter, text: `is ${describeRelease(facts)}: Generation 2 machines need 6.3` };
  }
  return request.secureBoot.wanted === "on" ? whyNotSecure(host, request.secureBoot) : null;
};

/** Whether a machine with this need can have Secure Boot on here; settles `on-if-capable`. */
export function canSecureBoot(host: HostState, need: SecureBootNeed): boolean {
  return host.facts !== null && need.template !== null && whyNotSecure(host, need) === null;
}

function whyNotSecure({ facts }: HostState, need: SecureBootNeed): FilterReason | null {
  if (facts === null) return null;
  const { families, templates } = facts.secureBoot;
  // Loaders that the Windows authority vouches for start wherever Secure Boot exists; all others need a template of their own.
  const isWindows = need.template?.name === "MicrosoftWindows";
  if (!families.includes(isWindows ? "windows" : "linux")) {
    const guests = isWindows ? "Windows" : need.family === "other" ? "other" : "Linux";
    return { filter, text: `is ${describeRelease(facts)}: ${guests} guests with Secure Boot need ${isWindows ? "6.3" : "10.0"}` };
  }
  // 6.3 has the Windows authority built in and lists no templates.
  if (templates.length === 0 || need.template === null) return null;
  if (templates.some((template) => template.id.toLowerCase() === need.template!.id.toLowerCase())) return null;
  return { filter, text: `does not have the Secure Boot template ${need.template.name}` };
}
