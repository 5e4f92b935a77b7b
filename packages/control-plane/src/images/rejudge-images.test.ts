import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { blankReport } from "./judge/blank-report.ts";
import { judgedWith } from "./judge/judged-with.ts";
import { rejudgeImages } from "./rejudge-images.ts";
import { TestImages } from "./test-images.ts";

const never = new AbortController().signal;

describe("reports that were made with other rules or other trust data", () => {
  let images: TestImages;
  before(async () => (images = await TestImages.start()));
  after(() => images.close());

  const verdictsOf = (id: string) => images.identity.database.store.selectFrom("image_verdicts").select(["trust", "outcome"]).where("image_id", "=", id).orderBy("trust").execute();
  const age = (id: string) => images.identity.database.store.updateTable("images").set({ judged_with: "1-older" }).where("id", "=", id).execute();

  function judgeThatSays(outcome: "boots" | "refused"): void {
    images.judge = async ({ file, declaredFormat, sizeBytes }) => blankReport({ outcome: outcome === "boots" ? "unknown" : "unbootable", file, detected: "raw", declared: declaredFormat, sizeBytes, trusts: ["MicrosoftWindows"], reason: { code: "SIG-TEST", text: outcome } });
  }

  test("are made anew, and those of today are left alone", async () => {
    judgeThatSays("boots");
    const [old, present] = [await images.upload("old", "data"), await images.upload("present", "data")];
    const empty = await images.create("empty");
    await age(old);
    judgeThatSays("refused");
    const { store } = images.identity.database;
    assert.equal(await rejudgeImages({ store, files: images.files, judge: (request) => images.judge(request) }, never), 1);
    assert.deepEqual([await verdictsOf(old), await verdictsOf(present), await verdictsOf(empty)], [[{ trust: "MicrosoftWindows", outcome: "unbootable" }], [{ trust: "MicrosoftWindows", outcome: "unknown" }], []]);
    const rows = await store.selectFrom("images").select(["status", "judged_with"]).where("id", "=", old).execute();
    assert.deepEqual(rows, [{ status: "active", judged_with: judgedWith }]);
    assert.equal(await rejudgeImages({ store, files: images.files, judge: (request) => images.judge(request) }, never), 0);
  });

  test("are left as they are when the image is deleted meanwhile or its data lies elsewhere", async () => {
    judgeThatSays("boots");
    const [deleted, elsewhere] = [await images.upload("deleted", "data"), await images.upload("elsewhere", "data")];
    await Promise.all([age(deleted), age(elsewhere)]);
    const { store } = images.identity.database;
    await store.updateTable("images").set({ file_name: "of-another-node" }).where("id", "=", elsewhere).execute();
    judgeThatSays("refused");
    const judge = images.judge;
    const found = await rejudgeImages({ store, files: images.files, judge: async (request) => {
      await images.ask("DELETE", `/v2/images/${deleted}`);
      return judge(request);
    } }, never);
    assert.equal(found, 1);
    assert.deepEqual(await verdictsOf(elsewhere), [{ trust: "MicrosoftWindows", outcome: "unknown" }]);
    assert.deepEqual(await verdictsOf(deleted), []);
  });
});
