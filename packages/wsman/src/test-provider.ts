import type { CimInstance, CimParameters, CimReference } from "./cim.ts";
import { ACTION, ANONYMOUS, NS, SHELL_RESOURCE, WQL_DIALECT } from "./namespaces.ts";
import { instanceNotFound } from "./faults.ts";
import type { MethodOutput, RunningProgram, SelectedInstance, ShellCommand, ShellOutput, ShellPrograms, WsmanProvider } from "./provider.ts";
import { classUri } from "./resource.ts";
import { evaluateWhere, parseWql } from "./wql/index.ts";
import { attribute, child, children, readXml, type XmlElement } from "./xml/read.ts";
import { element, textElement } from "./xml/write.ts";

export const testNamespace = "root/virtualization/v2";

/** A namespace with one class of numbered instances, for tests of what lies between a provider and the wire. */
export class TestProvider implements WsmanProvider {
  readonly instances: readonly SelectedInstance[];
  readonly invoked: { readonly target: CimReference; readonly method: string; readonly input: CimParameters }[] = [];
  /** What a method answers, or throws. */
  answer: (method: string, input: CimParameters) => MethodOutput | Promise<MethodOutput> = () => ({ ReturnValue: 0 });

  constructor(count: number, notesCharacters = 10) {
    this.instances = Array.from({ length: count }, (_, index) => testInstance(index, notesCharacters));
  }

  identify() {
    return { version: "10.0.20348", stack: "3.0" };
  }

  async get(target: CimReference): Promise<CimInstance> {
    const found = this.instances.find(({ reference }) => reference.keys["InstanceID"] === target.keys["InstanceID"]);
    if (!found || target.className !== "Test_Thing") throw instanceNotFound(target.className);
    return found.instance;
  }

  async query(_namespace: string, wql: string): Promise<readonly SelectedInstance[]> {
    const query = parseWql(wql);
    if (query.kind !== "select") return [];
    return this.instances.filter(({ instance, reference }) => evaluateWhere(query.where, instance, { server: "HV1", namespace: testNamespace, reference, isA: () => false }));
  }

  async enumerate(): Promise<readonly SelectedInstance[]> {
    return this.instances;
  }

  async invoke(target: CimReference, method: string, input: CimParameters): Promise<MethodOutput> {
    this.invoked.push({ target, method, input });
    return this.answer(method, input);
  }
}

function testInstance(index: number, notesCharacters: number): SelectedInstance {
  const id = `Microsoft:${index}`;
  return {
    reference: { kind: "reference", namespace: testNamespace, className: "Test_Thing", keys: { InstanceID: id } },
    instance: { kind: "instance", className: "Test_Thing", properties: {
      InstanceID: { type: "string", array: false, value: id }, Number: { type: "uint32", array: false, value: index }, Notes: { type: "string", array: true, value: ["ä".repeat(notesCharacters)] },
    } },
  };
}

/** A program that does what a test tells it. */
export class TestProgram implements RunningProgram {
  readonly command: ShellCommand;
  readonly input: Buffer[] = [];
  inputEnded = false;
  terminated = false;
  readonly exitCode: Promise<number>;
  readonly #output: ShellOutput;
  #end: (exitCode: number) => void = () => {};

  constructor(command: ShellCommand, output: ShellOutput) {
    this.command = command;
    this.#output = output;
    this.exitCode = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  print(text: string | Buffer, stream: "stdout" | "stderr" = "stdout"): void {
    this.#output.write(stream, Buffer.from(text));
  }

  end(exitCode: number): void {
    this.#end(exitCode);
  }

  writeInput(data: Uint8Array, end: boolean): void {
    this.input.push(Buffer.from(data));
    this.inputEnded ||= end;
  }

  terminate(): void {
    this.terminated = true;
    this.#end(0xc000_013a);
  }
}

/** Programs that run until the test ends them; `begin` may say what each does at once. */
export class TestPrograms implements ShellPrograms {
  readonly started: TestProgram[] = [];
  begin: (program: TestProgram) => void = () => {};

  start(command: ShellCommand, output: ShellOutput): RunningProgram {
    const program = new TestProgram(command, output);
    this.started.push(program);
    this.begin(program);
    return program;
  }
}

interface RequestParts {
  readonly action: string;
  readonly resourceUri?: string;
  readonly selectors?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly timeout?: string;
  readonly envelopeBytes?: number;
  readonly body?: string;
}

/** A request as a foreign client would write it: not through our own writer of requests. */
export function testRequest({ action, resourceUri = classUri(testNamespace, "*"), selectors = {}, options = {}, timeout = "PT20S", envelopeBytes, body = "" }: RequestParts): string {
  const set = (outer: string, inner: string, values: Readonly<Record<string, string>>) => (Object.keys(values).length === 0 ? "" : element(outer, {}, Object.entries(values).map(([name, value]) => textElement(inner, value, { Name: name })).join("")));
  const header = textElement("wsa:To", "http://127.0.0.1/wsman") + element("wsa:ReplyTo", {}, textElement("wsa:Address", ANONYMOUS)) + textElement("wsa:Action", action, { "env:mustUnderstand": "true" }) + textElement("wsman:ResourceURI", resourceUri)
    + textElement("wsa:MessageID", "uuid:42") + textElement("wsman:OperationTimeout", timeout) + (envelopeBytes === undefined ? "" : textElement("wsman:MaxEnvelopeSize", String(envelopeBytes)))
    + set("wsman:SelectorSet", "wsman:Selector", selectors) + set("wsman:OptionSet", "wsman:Option", options);
  return element("env:Envelope", { "xmlns:env": NS.s, "xmlns:wsa": NS.a, "xmlns:wsman": NS.w, "xmlns:wsen": NS.n, "xmlns:rsp": NS.rsp, "xmlns:wsmid": NS.wsmid, "xmlns:xsi": NS.xsi }, element("env:Header", {}, header) + element("env:Body", {}, body));
}

export function testEnumerate(wql: string, more = ""): string {
  return element("wsen:Enumerate", {}, more + textElement("wsman:Filter", wql, { Dialect: WQL_DIALECT }));
}

export function shellRequest(verb: "Command" | "Send" | "Receive" | "Signal" | "create" | "delete", shellId: string | null, body = "", more: Partial<RequestParts> = {}): string {
  const action = verb === "create" || verb === "delete" ? ACTION[verb] : `${NS.rsp}/${verb}`;
  return testRequest({ action, resourceUri: SHELL_RESOURCE, selectors: shellId === null ? {} : { ShellId: shellId }, body, ...more });
}

/** What an answer's Body holds, and its headers. */
export function readTestAnswer(text: string): { readonly body: XmlElement | undefined; readonly action: string; readonly relatesTo: string } {
  const envelope = readXml(text);
  const header = child(envelope, NS.s, "Header");
  return { body: child(envelope, NS.s, "Body")?.children[0], action: child(header, NS.a, "Action")?.text ?? "", relatesTo: child(header, NS.a, "RelatesTo")?.text ?? "" };
}

/** The subcode and number of a fault; null for another answer. */
export function faultOf(text: string): { readonly subcode: string; readonly code: string | undefined; readonly reason: string } | null {
  const { body } = readTestAnswer(text);
  if (body?.local !== "Fault") return null;
  const detail = child(child(body, NS.s, "Detail"), NS.f, "WSManFault");
  return { subcode: child(child(child(body, NS.s, "Code"), NS.s, "Subcode"), NS.s, "Value")?.text ?? "", code: detail && attribute(detail, "Code"), reason: child(child(body, NS.s, "Reason"), NS.s, "Text")?.text ?? "" };
}

/** Items, context and end of an Enumerate or Pull answer. */
export function readBatch(text: string): { readonly items: readonly XmlElement[]; readonly context: string | null; readonly ended: boolean } {
  const { body } = readTestAnswer(text);
  const items = [child(body, NS.n, "Items"), child(body, NS.w, "Items")].find((one) => one !== undefined)?.children ?? [];
  const ended = children(body, NS.n, "EndOfSequence").length + children(body, NS.w, "EndOfSequence").length > 0;
  return { items, context: child(body, NS.n, "EnumerationContext")?.text || null, ended };
}
