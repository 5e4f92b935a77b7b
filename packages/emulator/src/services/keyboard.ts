import type { MethodOutput } from "@signet/wsman";
import { type KeyMovement, movementsOf, movementsOfScanCodes, press, qcodeOf, release } from "../machine/key-codes.ts";
import { returnCode } from "../host/refusal.ts";
import { enabledState } from "../host/virtual-machine.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";

const keyboard = "Msvm_Keyboard";

/** Typing into a machine: the way to drive a menu of its firmware from outside. */
export const keyboardMethods: Readonly<Record<string, MethodHandler>> = {
  [`${keyboard}.TypeKey`]: (call) => move(call, keyOf(call, (qcode) => [press(qcode), release(qcode)])),
  [`${keyboard}.PressKey`]: (call) => move(call, keyOf(call, (qcode) => [press(qcode)])),
  [`${keyboard}.ReleaseKey`]: (call) => move(call, keyOf(call, (qcode) => [release(qcode)])),
  [`${keyboard}.TypeText`]: (call) => move(call, movementsOf(call.input.text("AsciiText") ?? "")),
  [`${keyboard}.TypeCtrlAltDel`]: (call) => move(call, [press("ctrl"), press("alt"), press("delete"), release("delete"), release("alt"), release("ctrl")]),
  [`${keyboard}.TypeScancodes`]: (call) => move(call, movementsOfScanCodes(call.input.list("Scancodes").map(Number))),
};

/** The parameter is declared KeyCode for most methods and keyCode for one. */
function keyOf({ input }: MethodCall, movements: (qcode: string) => KeyMovement[]): KeyMovement[] | null {
  const code = input.number("KeyCode") ?? input.number("keyCode");
  const qcode = code === null ? null : qcodeOf(code);
  return qcode === null ? null : movements(qcode);
}

async function move({ host, target }: MethodCall, movements: readonly KeyMovement[] | null): Promise<MethodOutput> {
  const machine = host.machine(String(target.values["SystemName"]));
  if (machine?.state !== enabledState.running) return { ReturnValue: returnCode.invalidState };
  if (movements === null || movements.length === 0) return { ReturnValue: returnCode.invalidParameter };
  await machine.machine.type(movements);
  return { ReturnValue: returnCode.completed };
}
