import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import type { HashWorkerInput, HashWorkerMessage } from "./hash-ring.ts";

/** A thread that computes some digests over the slots of a ring, in the order in which it is told. */
const { memory, slotBytes, algorithms } = workerData as HashWorkerInput;
const hashes = algorithms.map((name) => [name, createHash(name)] as const);
parentPort!.on("message", (message: HashWorkerMessage) => {
  if (message.kind === "slot") {
    const bytes = new Uint8Array(memory, message.slot * slotBytes, message.lengthBytes);
    for (const [, hash] of hashes) hash.update(bytes);
    parentPort!.postMessage({ kind: "done", slot: message.slot });
  } else {
    parentPort!.postMessage({ kind: "digests", digests: Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest("hex")])) });
    parentPort!.close();
  }
});
