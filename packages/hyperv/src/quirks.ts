/**
 * What nobody could verify without a real host, one named switch each, with the answer that the driver gives until a recording says
 * otherwise. What can be found out by looking (which device came first, which id a drive has) is looked up instead, and is not here.
 */
export interface Quirks {
  /** First build whose System32 has curl.exe. Announced for Windows 10 build 17063; no server between 14393 and 17763 shipped. */
  readonly curlFromBuild: number;
  /**
   * First build that takes AutomaticSnapshotsEnabled. The documentation lists the property without a release; the feature came with
   * build 16299, and on an older host an unknown property could fail the whole definition.
   */
  readonly automaticSnapshotsFromBuild: number;
  /** First build that takes ConsoleMode. Documented for Windows 10 and Windows Server 2016. */
  readonly consoleModeFromBuild: number;
  /** First build with SecureBootTemplateId. Documented for Windows 10 and Windows Server 2016. */
  readonly templateFromBuild: number;
  /** First build whose serial ports are Msvm_SerialPortSettingData; before, they are Msvm_ResourceAllocationSettingData (os-win). */
  readonly serialPortClassFromBuild: number;
  /**
   * Whether object paths inside settings begin with `\\HOST\`. Field notes say that both forms are accepted; Microsoft's own tools
   * write the long one.
   */
  readonly pathsNameTheHost: boolean;
}

export const defaultQuirks: Quirks = {
  curlFromBuild: 17_063,
  automaticSnapshotsFromBuild: 16_299,
  consoleModeFromBuild: 14_393,
  templateFromBuild: 14_393,
  serialPortClassFromBuild: 14_393,
  pathsNameTheHost: true,
};
