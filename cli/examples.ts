/** What new stand-ins can hold, and what each lets its clouds do on their own: the controls of sandbox/start.ts by name. */
export const standInExamples = {
  workforce: ['story'],
  roles: ['drift', 'trust', 'administrator'],
} as const;
export type SandboxExample = keyof typeof standInExamples;

export const exampleNames = Object.keys(standInExamples) as readonly SandboxExample[];
