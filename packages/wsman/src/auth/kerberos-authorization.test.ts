import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoginAnswer } from "./authorization.ts";
import { kerberosAuthorization, type KerberosLibrary } from "./kerberos-authorization.ts";

/** The library's part of a conversation: what it says to each thing that it is told. */
function library(answers: Readonly<Record<string, string | null>>, told: string[] = [], username = "me@EXAMPLE"): KerberosLibrary {
  return {
    async initializeClient(service, options) {
      told.push(`${service} ${options?.principal ?? "-"}`);
      return {
        username,
        async step(challenge) {
          told.push(challenge);
          const answer = answers[challenge];
          if (answer === undefined) throw new Error("No credentials cache found");
          return answer;
        },
      };
    },
  };
}

function host(answers: readonly Partial<LoginAnswer>[], asked: string[] = []) {
  let next = 0;
  return {
    address: "https://hv1.example/wsman",
    async ask(authorization: string): Promise<LoginAnswer> {
      asked.push(authorization);
      return { status: 401, challenges: [], certificate: Buffer.alloc(0), ...answers[next++] };
    },
  };
}

test("without the package Kerberos says what to install and what does without", async () => {
  await assert.rejects(kerberosAuthorization("hv1.example", "").login(host([])), /needs the npm package "kerberos", which is not here\. Install it .* or use Negotiate/);
});

test("a ticket is shown, and the host's own proof is checked", async () => {
  const [told, asked]: [string[], string[]] = [[], []];
  const session = await kerberosAuthorization("hv1.example", "me@EXAMPLE", async () => library({ "": "dGlja2V0", cHJvb2Y: null, "cHJvb2Y=": null }, told)).login(host([{ status: 200, challenges: ["Negotiate cHJvb2Y="] }], asked));
  assert.deepEqual([told, asked], [["HTTP@hv1.example me@EXAMPLE", "", "cHJvb2Y="], ["Negotiate dGlja2V0"]]);
  assert.deepEqual([session.isBound, session.write({ contentType: "a/b", body: Buffer.from("x") }).headers], [true, { "Content-Type": "a/b" }]);
});

test("more legs are gone through while the host asks for them", async () => {
  const asked: string[] = [];
  await kerberosAuthorization("h", "", async () => library({ "": "b25l", "dHdv": "dGhyZWU=" })).login(host([{ challenges: ["Negotiate dHdv"] }, { status: 200 }], asked));
  assert.deepEqual(asked, ["Negotiate b25l", "Negotiate dGhyZWU="]);
});

test("a ticket of somebody else is not used", async () => {
  const logOn = (user: string, username: string) => kerberosAuthorization("h", user, async () => library({ "": "b25l" }, [], username)).login(host([{ status: 200 }]));
  for (const user of ["me", "me@EXAMPLE", "ME@example", ""]) await logOn(user, "me@EXAMPLE");
  for (const user of ["other", "me@ELSEWHERE", "EXAMPLE\\me"]) await assert.rejects(logOn(user, "me@EXAMPLE"), /one of me@EXAMPLE, but .* should log on/);
});

test("no ticket, a refusal, a false proof and a host without end are failures in words", async () => {
  const cases: readonly (readonly [KerberosLibrary, readonly Partial<LoginAnswer>[], RegExp])[] = [
    [library({}), [], /cannot log on to https:\/\/hv1\.example\/wsman: No credentials cache found\. The host must know the service HTTP\/h/], [library({ "": "b25l" }), [{}], /refuses the Kerberos ticket/],
    [library({ "": "b25l" }), [{ status: 200, challenges: ["Negotiate ZmFsc2U="] }], /cannot log on/], [library({ "": "b25l", "bW9y": "bW9y" }), Array.from({ length: 9 }, () => ({ challenges: ["Negotiate bW9y"] })), /refuses the Kerberos ticket/],
  ];
  for (const [scripted, answers, message] of cases) await assert.rejects(kerberosAuthorization("h", "", async () => scripted).login(host(answers)), { name: "WsmanTransportError", kind: "unauthorized", message });
});
