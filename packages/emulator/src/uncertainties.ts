/**
 * What nobody could verify without a real host, one switch each, with the answer we give until a recording says otherwise. A
 * recording then changes data here, not code elsewhere. Sources: `docs/` of Microsoft where they speak, projects that run
 * against real hosts where they do.
 */
export interface Uncertainties {
  /** `VirtualSystemType` of the Secure Boot templates: only known not to be Realized or Planned. */
  readonly templateVirtualSystemType: string;
  /** What SecureBootEnabled on a generation 1 machine does: the job fails with this code. */
  readonly secureBootOnGeneration1Code: number;
  /** Changing Secure Boot while not off: refused by the return value, or by the job. */
  readonly secureBootWhileRunning: "return" | "job";
  readonly bootOrderWhileRunning: "allow" | "refuse";
  /** Whether a bare DefineSystem makes the two serial ports and the integration services' settings. */
  readonly defineMakesSerialPorts: boolean;
  readonly defineMakesIntegrationServices: boolean;
  /** Asking for the state that the machine already has. */
  readonly sameStateCode: number;
  /** Whether methods that may do either start a job (4096) or return when they are done (0). Clients must take both. */
  readonly methodAnswers: "job" | "return";
  /** Whether the path of a disk is looked at when it is attached, or only at the start. */
  readonly attachLooksForFile: boolean;
  /** Bytes of COM1 kept since the start for the first reader. A real pipe keeps none; the text then depends on who is faster. */
  readonly consoleKeptBytes: number;
  /** How long a finished job can be read. Documented as five minutes. */
  readonly jobKeptMs: number;
  readonly secureBootEnabledByDefault: boolean;
}

export const defaultUncertainties: Uncertainties = {
  templateVirtualSystemType: "Microsoft:Hyper-V:SecureBootTemplate",
  secureBootOnGeneration1Code: 32773,
  secureBootWhileRunning: "return",
  bootOrderWhileRunning: "refuse",
  defineMakesSerialPorts: true,
  defineMakesIntegrationServices: true,
  sameStateCode: 32775,
  methodAnswers: "job",
  attachLooksForFile: true,
  consoleKeptBytes: 65_536,
  jobKeptMs: 300_000,
  secureBootEnabledByDefault: true,
};
