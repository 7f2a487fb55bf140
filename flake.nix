# A development shell and the package. Checked with `nix-instantiate --parse` only (test/tidy.test.ts): it was never
# evaluated or built by us. package-lock.json names no addresses, so they are derived from name and version here;
# entries without an integrity (foreign platforms, see .ci/lock.mjs) are left alone.
{
  description = "PromptMQ: an MQTT 3.1, 3.1.1 and 5.0 broker";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      lib = nixpkgs.lib;
      eachSystem = lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      nodeOf = pkgs: pkgs.nodejs_26 or pkgs.nodejs_latest;
      manifest = lib.importJSON ./package.json;
      lock = lib.importJSON ./package-lock.json;

      # "node_modules/a/node_modules/@b/c" is the package "@b/c".
      nameOf = path: lib.last (lib.splitString "node_modules/" path);
      addressOf =
        path: entry:
        let
          name = nameOf path;
          file = lib.last (lib.splitString "/" name);
        in
        "https://registry.npmjs.org/${name}/-/${file}-${entry.version}.tgz";
      withAddress =
        path: entry: if entry ? integrity then entry // { resolved = addressOf path entry; } else entry;
      packageLock = lock // {
        packages = lib.mapAttrs withAddress lock.packages;
      };
    in
    {
      packages = eachSystem (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
          nodejs = nodeOf pkgs;
          buildNpmPackage = pkgs.buildNpmPackage.override { inherit nodejs; };
        in
        {
          default = buildNpmPackage {
            pname = manifest.name;
            version = manifest.version;
            src = ./.;
            npmDeps = pkgs.importNpmLock {
              package = manifest;
              inherit packageLock;
            };
            npmConfigHook = pkgs.importNpmLock.npmConfigHook;
            # The development dependency `node` would fetch a binary; here Node comes from nixpkgs.
            npmFlags = [ "--ignore-scripts" ];
            meta = {
              description = manifest.description;
              license = lib.licenses.mit;
              mainProgram = "promptmq";
            };
          };
        }
      );

      devShells = eachSystem (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          default = pkgs.mkShell {
            packages = [
              (nodeOf pkgs)
              pkgs.mosquitto
            ];
          };
        }
      );
    };
}
