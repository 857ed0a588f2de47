// One file of the list: FILE_PATH below this folder, FILE_SYMBOL for the compiler.
// No include guard: `files.h` includes it once per file and pass.

#ifdef REN_PASS_BYTES
// The 0 at the end makes an empty file a valid initialiser too; the length leaves it out.
static const unsigned char REN_BYTES(FILE_SYMBOL)[] = {
#embed FILE_PATH suffix(, )
    0};
#else
{FILE_PATH, REN_BYTES(FILE_SYMBOL), sizeof(REN_BYTES(FILE_SYMBOL)) - 1},
#endif

#undef FILE_PATH
#undef FILE_SYMBOL
