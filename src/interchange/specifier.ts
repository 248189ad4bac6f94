/** What imports the file beside: an address, in which these letters mean something else. */
export function specifier(file: string): string {
  return JSON.stringify(`./${file.replaceAll(/[%#?]/g, encodeURIComponent)}`);
}
