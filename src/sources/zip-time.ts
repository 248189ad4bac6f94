/** The first time that zip archives know, in whatever zone: equal models make equal files. */
export const ZIP_TIME = new Date(1980, 0, 1);
