interface ReportedTest {
  readonly fullName: string;
  readonly module: { readonly relativeModuleId: string };
  result(): { readonly state: string; readonly note?: string | undefined };
  diagnostic(): { readonly retryCount: number } | undefined;
}

/** What a run came to: what was skipped, what was retried, and a closing line of counts. */
export declare function summaryOf(tests: Iterable<ReportedTest>): string;
