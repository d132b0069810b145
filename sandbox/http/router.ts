/** Routes of a REST API: `/v3/users/{id}` names the operation and binds what stands in the braces. */
export interface Route<Run> {
  readonly method: string;
  readonly pattern: string;
  readonly run: Run;
}

export interface Match<Run> {
  /** for example `PATCH /v3/users/{id}` */
  readonly name: string;
  readonly run: Run;
  readonly parameters: readonly string[];
}

interface Compiled<Run> extends Route<Run> {
  readonly expression: RegExp;
}

export class Router<Run> {
  private readonly compiled: readonly Compiled<Run>[];

  /** The first route that matches wins. `prefix` is left out of the names. */
  constructor(routes: Readonly<Record<string, Run>>, prefix = '') {
    this.compiled = Object.entries(routes).map(([name, run]) => {
      const [method = '', pattern = ''] = name.split(' ');
      const escaped = `${prefix}${pattern}`.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '([^/]+)');
      return { method, pattern, run, expression: new RegExp(`^${escaped}/?$`) };
    });
  }

  /** `otherMethod` where the path exists but not with this method. */
  match(method: string, path: string): Match<Run> | 'noPath' | 'otherMethod' {
    let answer: 'noPath' | 'otherMethod' = 'noPath';
    for (const route of this.compiled) {
      const found = route.expression.exec(path);
      if (!found) continue;
      if (route.method !== method) {
        answer = 'otherMethod';
        continue;
      }
      const parameters = found.slice(1).map((text) => decodeURIComponent(text));
      return { name: `${route.method} ${route.pattern}`, run: route.run, parameters };
    }
    return answer;
  }
}
