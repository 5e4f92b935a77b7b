import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limitsOf, defaultAllocationRatios, formatBytes } from "./capacity-filter.ts";
import { InvalidImageMetadata, readPlacementMetadata } from "./image-metadata.ts";
import { cutBytes, explainNoValidHost, explainNoValidHostBriefly } from "./no-valid-host.ts";
import type { ImagePropertiesOptions } from "./image-properties-filter.ts";
import { linuxTemplate, sampleFacts, sampleHost, sampleRequest, windowsTemplate } from "./sample-hosts.ts";
import { canSecureBoot } from "./secure-boot-filter.ts";
import { selectHosts } from "./select-hosts.ts";

const GIB = 1024 ** 3;
const signet: ImagePropertiesOptions = { defaultArchitecture: "x86_64" };
const nova: ImagePropertiesOptions = { defaultArchitecture: null };
const linuxSecure = { wanted: "on", template: linuxTemplate, family: "linux" } as const;
const windowsSecure = { wanted: "on", template: windowsTemplate, family: "windows" } as const;
const two = [sampleHost("hv1", "2012r2"), sampleHost("hv2", "2022")];
const names = (hosts: readonly { name: string }[]): string[] => hosts.map(({ name }) => name);
const taken = (imageProperties: Record<string, string>, options = signet): string[] => names(selectHosts(two, sampleRequest({ imageProperties }), options).fitting);

describe("image properties", () => {
  test("hypervisor_version_requires steers among a 2012 R2 and a 2022 host", () => {
    const hyperv = { hypervisor_type: "hyperv" };
    assert.deepEqual(taken({ ...hyperv, hypervisor_version_requires: ">=6.3" }), ["hv1", "hv2"]);
    assert.deepEqual(taken({ ...hyperv, hypervisor_version_requires: ">=10.0" }), ["hv2"]);
    assert.deepEqual(taken({ ...hyperv, hypervisor_version_requires: ">=6.3, <10.0" }), ["hv1"]);
  });

  test("by Nova's rule alone, a version without any of the three is never looked at", () => {
    assert.deepEqual(taken({ hypervisor_version_requires: ">=11.0" }, nova), ["hv1", "hv2"]);
  });

  test("the default architecture makes the version count by itself", () => {
    assert.deepEqual(taken({ hypervisor_version_requires: ">=10.0" }), ["hv2"]);
  });

  test("values are matched without case and by their aliases", () => {
    assert.deepEqual(taken({ hypervisor_type: "HyperV", architecture: "AMD64", vm_mode: "hv" }), ["hv1", "hv2"]);
    assert.deepEqual(taken({ architecture: "i386" }), ["hv1", "hv2"]);
  });

  test("another hypervisor, architecture or mode excludes every host", () => {
    for (const properties of [{ hypervisor_type: "kvm" }, { architecture: "aarch64" }, { vm_mode: "xen" }]) assert.deepEqual(taken(properties as Record<string, string>), []);
  });

  test("a value that Nova does not know is refused with Nova's sentence", () => {
    assert.throws(() => readPlacementMetadata({ hypervisor_type: "Hyper-V" }), new InvalidImageMetadata("Hypervisor virt type 'Hyper-V' is not valid"));
    assert.throws(() => readPlacementMetadata({ architecture: "x64" }), new InvalidImageMetadata("Architecture name 'x64' is not valid"));
    assert.throws(() => readPlacementMetadata({ hypervisor_version_requires: ">=6" }), new InvalidImageMetadata("Version >=6 is not a valid predicate in field img_hv_requested_version"));
  });
});

describe("Secure Boot capability", () => {
  test("a Linux guest needs 10.0, and the reason names release and version", () => {
    const { fitting, rejected } = selectHosts(two, sampleRequest({ secureBoot: linuxSecure }), signet);
    assert.deepEqual(names(fitting), ["hv2"]);
    assert.equal(rejected[0]?.reasons[0]?.text, "is Windows Server 2012 R2 (6.3): Linux guests with Secure Boot need 10.0");
  });

  test("a Windows guest starts on 6.3, which lists no templates", () => {
    assert.deepEqual(names(selectHosts(two, sampleRequest({ secureBoot: windowsSecure }), signet).fitting), ["hv1", "hv2"]);
  });

  test("a host without the template is not taken", () => {
    const facts = sampleFacts("2022", { secureBoot: { generation2: true, families: ["windows", "linux"], templates: [windowsTemplate] } });
    const { rejected } = selectHosts([sampleHost("hv3", "2022", { facts })], sampleRequest({ secureBoot: linuxSecure }), signet);
    assert.equal(rejected[0]?.reasons[0]?.text, "does not have the Secure Boot template MicrosoftUEFICertificateAuthority");
  });

  test("template ids are compared without case, as hosts write them either way", () => {
    const facts = sampleFacts("2022", { secureBoot: { generation2: true, families: ["linux"], templates: [{ ...linuxTemplate, id: linuxTemplate.id.toUpperCase() as never }] } });
    assert.equal(canSecureBoot(sampleHost("hv3", "2022", { facts }), linuxSecure), true);
  });

  test("a host before 6.3 takes Generation 1 only", () => {
    const old = [sampleHost("hv0", "2012")];
    assert.match(selectHosts(old, sampleRequest(), signet).rejected[0]!.reasons[0]!.text, /Windows Server 2012 \(6\.2\): Generation 2 machines need 6\.3/);
    assert.deepEqual(names(selectHosts(old, sampleRequest({ generation: 1 }), signet).fitting), ["hv0"]);
  });

  test("where Secure Boot is wanted if possible, a host that can comes first and one that cannot still fits", () => {
    const roomy = sampleHost("hv1", "2012r2", { facts: sampleFacts("2012r2", { memoryBytes: 256 * GIB }) });
    const { fitting } = selectHosts([roomy, two[1]!], sampleRequest({ secureBoot: { ...linuxSecure, wanted: "on-if-capable" } }), signet);
    assert.deepEqual(names(fitting), ["hv2", "hv1"]);
  });
});

describe("state and capacity", () => {
  test("disabled, silent and unknown hosts are not taken, with the operator's reason", () => {
    const hosts = [
      sampleHost("a", "2022", { enabled: false, reason: "maintenance" }),
      sampleHost("b", "2022", { up: false, reason: "connection refused" }),
      sampleHost("c", "2022", { facts: null }),
    ];
    const { fitting, rejected } = selectHosts(hosts, sampleRequest(), signet);
    assert.deepEqual(fitting, []);
    assert.deepEqual(rejected.map(({ reasons }) => reasons[0]?.text), ["is disabled (maintenance)", "does not answer (connection refused)", "has not told its facts yet"]);
  });

  test("memory is sold once, less what the host keeps; processors sixteen times", () => {
    assert.deepEqual(limitsOf(sampleFacts("2022"), defaultAllocationRatios), { vcpus: 128, memoryBytes: 15.5 * GIB, diskBytes: 200 * GIB });
  });

  test("what does not fit says how much is free and how much is needed", () => {
    const full = sampleHost("hv2", "2022", { claimed: { vcpus: 128, memoryBytes: 14 * GIB, diskBytes: 195 * GIB } });
    const reasons = (needs: { vcpus: number; memoryBytes: number; diskBytes: number }): string | undefined => selectHosts([full], sampleRequest({ needs }), signet).rejected[0]?.reasons[0]?.text;
    assert.equal(reasons({ vcpus: 0, memoryBytes: 4 * GIB, diskBytes: 0 }), "has 1.5 GiB free of the 4 GiB needed");
    assert.equal(reasons({ vcpus: 2, memoryBytes: 0, diskBytes: 0 }), "has 0 virtual processors free of the 2 needed");
    assert.equal(reasons({ vcpus: 0, memoryBytes: 0, diskBytes: 10 * GIB }), "has 5 GiB of disk free of the 10 GiB needed");
  });

  test("the host with most free memory is taken first, ties by name", () => {
    const busy = sampleHost("hv1", "2022", { claimed: { vcpus: 1, memoryBytes: GIB, diskBytes: 0 } });
    assert.deepEqual(names(selectHosts([busy, sampleHost("hv3", "2022"), sampleHost("hv2", "2022")], sampleRequest(), signet).fitting), ["hv2", "hv3", "hv1"]);
  });

  test("sizes are rounded down, in binary units", () => {
    assert.deepEqual([0, 512 * 1024 ** 2, 1.99 * GIB, 2.5 * 1024 ** 4].map(formatBytes), ["0 bytes", "512 MiB", "1.9 GiB", "2.5 TiB"]);
  });
});

describe("no valid host", () => {
  test("names every host with its reason", () => {
    const full = sampleHost("hv2", "2022", { claimed: { vcpus: 0, memoryBytes: 14 * GIB, diskBytes: 0 } });
    const { rejected } = selectHosts([two[0]!, full], sampleRequest({ secureBoot: linuxSecure, needs: { vcpus: 1, memoryBytes: 4 * GIB, diskBytes: 0 } }), signet);
    assert.equal(explainNoValidHost(rejected), "No valid host was found: 2 hosts. hv1 is Windows Server 2012 R2 (6.3): Linux guests with Secure Boot need 10.0. hv2 has 1.5 GiB free of the 4 GiB needed.");
  });

  test("stays within 255 bytes with many hosts, and says how many it leaves out", () => {
    const many = Array.from({ length: 100 }, (_, index) => sampleHost(`hv${index}`, "2012r2"));
    const text = explainNoValidHostBriefly(selectHosts(many, sampleRequest({ secureBoot: linuxSecure }), signet).rejected);
    assert.ok(Buffer.byteLength(text) <= 255, text);
    assert.match(text, /^No valid host was found: 100 hosts\. hv0 is Windows .* 98 more\.$/);
  });

  test("says so when no host is registered", () => {
    assert.equal(explainNoValidHost([]), "No valid host was found: no host is registered.");
  });

  test("cuts between characters, never within one", () => {
    assert.equal(cutBytes("ääää", 7), "ää…");
    assert.equal(cutBytes("abc", 3), "abc");
  });
});
