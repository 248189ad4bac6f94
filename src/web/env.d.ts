/** What Vite knows of the build. */
interface ImportMeta {
  readonly env: { readonly PROD: boolean };
}
/** Style sheets, which Vite bundles. */
declare module "*.css";
/** The address of a file that is taken as it is. */
declare module "*?url" {
  const url: string;
  export default url;
}
