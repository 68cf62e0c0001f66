// One set of rules for the three packages: the strict ones of typescript-eslint, which know the types. Every file that
// is checked stands in the tsconfig.json of its package.
import vue from "eslint-plugin-vue";
import tseslint from "typescript-eslint";
import vueParser from "vue-eslint-parser";

const types = { projectService: true, tsconfigRootDir: import.meta.dirname, extraFileExtensions: [".vue"] };

export default tseslint.config(
  { ignores: ["**/dist/", "**/.nuxt/", "**/.output/", "**/.data/", "**/*.generated.ts", "packages/nuxt/test/fixture/", "e2e/", "target/", "crates/", "docs/", "bench/"] },
  ...vue.configs["flat/recommended"].map((config) => ({ files: ["packages/**/*.vue"], ...config })),
  {
    files: ["packages/**/*.{ts,mts,cts,vue}"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: types },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-non-null-assertion": "off", // lists of names and values by turns are read by index
      "@typescript-eslint/no-invalid-void-type": "off", // `MaybePromise<void>` is meant
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: ["error", "always"],
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "no-console": "error",
    },
  },
  {
    files: ["packages/**/*.vue"],
    languageOptions: { parser: vueParser, parserOptions: { parser: tseslint.parser, ...types } },
    rules: { "vue/multi-word-component-names": "off", "vue/max-attributes-per-line": "off" },
  },
  {
    files: ["packages/*/{test,tests,e2e,scripts,examples,bench}/**", "packages/*/*.config.*"],
    rules: {
      "@typescript-eslint/require-await": "off",
      "no-console": "off",
    },
  },
  {
    // Its types are made by `nuxi prepare`; `vue-tsc` reads them then.
    files: ["packages/nuxt/playground/**"],
    languageOptions: { parserOptions: { projectService: false } },
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-explicit-any": "off",
      "vue/singleline-html-element-content-newline": "off",
    },
  },
);
