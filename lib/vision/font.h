/* A bitmap font for labels. */
#ifndef TDNN_VISION_FONT_H
#define TDNN_VISION_FONT_H

enum { TDNN_FONT_WIDTH = 7, TDNN_FONT_HEIGHT = 13 };

/* The glyph of the next character of UTF-8 text, which must not be at its end; moves on. */
int tdnn_font_next(const char **text);
/* Row y of a glyph: TDNN_FONT_WIDTH characters, a space where nothing is drawn. */
const char *tdnn_font_row(int glyph, int y);

#endif
