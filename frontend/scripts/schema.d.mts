export declare const GENERATED: URL;
export declare function schemaText(): Promise<string>;
