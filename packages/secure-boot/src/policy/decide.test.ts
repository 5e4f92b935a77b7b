import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideSecureBoot } from "./decide.ts";
import type { Decision, ProfileName } from "./profile.ts";

const VALUES = ["absent", "disabled", "optional", "required"] as const;
type Value = (typeof VALUES)[number];
type Expected = Readonly<Record<Value, readonly [Decision, Decision, Decision, Decision]>>;

/** Columns: flavor absent, disabled, optional, required. Written out again on purpose: the tables are what is tested. */
const EXPECTED: Readonly<Record<ProfileName, Expected>> = {
  blueprint: {
    absent: ["off", "off", "off", "on"],
    disabled: ["off", "off", "off", "on"],
    optional: ["off", "off", "off", "on"],
    required: ["on", "on", "on", "on"],
  },
  "nova-hyperv": {
    absent: ["off", "off", "off", "on"],
    disabled: ["off", "off", "off", "conflict"],
    optional: ["off", "off", "off", "on"],
    required: ["on", "conflict", "on", "on"],
  },
  "nova-libvirt": {
    absent: ["off", "off", "on-if-capable", "on"],
    disabled: ["off", "off", "conflict", "conflict"],
    optional: ["on-if-capable", "conflict", "on-if-capable", "conflict"],
    required: ["on", "conflict", "conflict", "on"],
  },
};

const stated = (value: Value): string | null => (value === "absent" ? null : value);

for (const profile of Object.keys(EXPECTED) as ProfileName[]) {
  describe(`profile ${profile}`, () => {
    for (const image of VALUES) {
      for (const [column, flavor] of VALUES.entries()) {
        const expected = EXPECTED[profile][image][column]!;
        test(`image ${image} with flavor ${flavor} decides ${expected}`, () => {
          const decided = decideSecureBoot({ profile, imageProperty: stated(image), flavorSpec: stated(flavor) });
          assert.equal(decided.decision, expected);
          assert.match(decided.rule, /^[A-Z].*\.$/);
        });
      }
    }
  });
}

test("the blueprint and the Hyper-V driver ignore any other flavor value", () => {
  for (const profile of ["blueprint", "nova-hyperv"] as const) {
    for (const image of [null, "disabled", "optional", "required"]) {
      const other = decideSecureBoot({ profile, imageProperty: image, flavorSpec: "maybe" });
      const absent = decideSecureBoot({ profile, imageProperty: image, flavorSpec: null });
      assert.equal(other.decision, absent.decision);
      assert.equal(other.asked[1]?.value, "maybe");
    }
  }
});

test("today's Nova takes any other flavor value for a conflict", () => {
  for (const image of [null, "disabled", "optional", "required"]) {
    assert.equal(decideSecureBoot({ profile: "nova-libvirt", imageProperty: image, flavorSpec: "maybe" }).decision, "conflict");
  }
});

test("an image value outside the list is a conflict in every profile, whatever the flavor says", () => {
  for (const profile of ["blueprint", "nova-hyperv", "nova-libvirt"] as const) {
    for (const flavor of [null, "required", "maybe"]) {
      assert.equal(decideSecureBoot({ profile, imageProperty: "Required", flavorSpec: flavor }).decision, "conflict");
    }
  }
});

test("the chosen host settles what is on only where it can", () => {
  const question = { profile: "nova-libvirt", imageProperty: "optional", flavorSpec: null } as const;
  assert.equal(decideSecureBoot({ ...question, hostCan: true }).decision, "on");
  assert.equal(decideSecureBoot({ ...question, hostCan: false }).decision, "off");
});

test("a host that cannot does not soften what is required", () => {
  assert.equal(decideSecureBoot({ profile: "nova-libvirt", imageProperty: "required", flavorSpec: null, hostCan: false }).decision, "on");
});

test("what was asked is recorded with its source, also when nothing was", () => {
  assert.deepEqual(decideSecureBoot({ profile: "blueprint", imageProperty: null, flavorSpec: "required" }).asked, [
    { source: "image property", name: "os_secure_boot", value: null },
    { source: "flavor extra spec", name: "os:secure_boot", value: "required" },
  ]);
});
