import { Button, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { Alert, Problem } from "./notices.tsx";
import { signIn, useSessionEnd } from "./session.ts";

export function SignInPage(): ReactNode {
  const endedBecause = useSessionEnd();
  const [problem, setProblem] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const field = (name: string): string => String(fields.get(name) ?? "");
    setBusy(true);
    try {
      await signIn(field("user").trim(), field("password"), field("project").trim());
    } catch (error) {
      setProblem(error instanceof Error ? error : new Error(String(error)));
      setBusy(false);
    }
  }

  return (
    <main className="content">
      <div className="sign-in card">
        <div className="brand" style={{ marginBottom: 20 }}>
          <img src="/signet.svg" alt="" />
          Signet
        </div>
        <Title order={1} mb={6}>
          Sign in
        </Title>
        <p className="note" style={{ margin: "0 0 20px" }}>
          The first start printed the administrator’s password; <code>openrc</code> in the data folder holds it too.
        </p>
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="md">
            {problem !== null ? <Problem error={problem} /> : endedBecause !== null ? <Alert isCalm>{endedBecause}</Alert> : null}
            <TextInput name="user" label="User" autoComplete="username" required autoFocus withAsterisk={false} spellCheck={false} autoCapitalize="none" />
            <PasswordInput name="password" label="Password" autoComplete="current-password" required withAsterisk={false} visibilityToggleButtonProps={{ "aria-label": "Show or hide the password", tabIndex: 0 }} />
            <TextInput name="project" label="Project" defaultValue="admin" required withAsterisk={false} spellCheck={false} autoCapitalize="none" />
            <Button type="submit" loading={isBusy} fullWidth mt={4}>
              Sign in
            </Button>
          </Stack>
        </form>
      </div>
    </main>
  );
}
