/* What AlexeyAB's Darknet (59596d78, CPU, without AVX) gives for small nets: one for each
 * section, variant and activation (but relu6, which its CPU code forgets). Weights and input
 * are those of pseudo() in test_darknet.c, weights as (pseudo + offset) * scale; detectors'
 * outputs are its boxes, objectness and class scores, cell by cell, anchors fastest.
 */
static const struct layer_case {
    const char *name, *cfg;
    float offset, scale;   /* of the weights                            */
    size_t weights, count; /* numbers in the weights file, in the output */
    const float *output;
} layer_cases[] = {
    {"activation_elu",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=elu\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.617271f, -0.773806f, -0.0692052f, -0.593859f, 0.674294f, 1.28432f,
                     0.294827f, -0.681205f, -0.506531f, -0.742349f, 0.128175f, 0.17603f,
                     0.193282f, -0.406378f, 0.893833f, 1.56679f}},
    {"activation_gelu",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=gelu\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.161894f, -0.102173f, -0.0338081f, -0.165713f, 0.50563f, 1.15628f,
                     0.181593f, -0.144788f, -0.169569f, -0.118932f, 0.0706237f, 0.100313f,
                     0.111452f, -0.156998f, 0.727727f, 1.47481f}},
    {"activation_hard_mish",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=hard_mish\n",
     -0.5f, 12.0f, 16, 16,
     (const float[]){0.0f, 0.0f, -0.24572f, 0.0f, 2.69718f, 5.13727f, 1.17931f, 0.0f, 0.0f,
                     0.0f, 0.5127f, 0.704119f, 0.773127f, 0.0f, 3.57533f, 6.26718f}},
    {"activation_hardtan",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=hardtan\n",
     -0.5f, 12.0f, 16, 16,
     (const float[]){-1.0f, -1.0f, -0.286866f, -1.0f, 1.0f, 1.0f, 1.0f, -1.0f, -1.0f, -1.0f,
                     0.5127f, 0.704119f, 0.773127f, -1.0f, 1.0f, 1.0f}},
    {"activation_leaky",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.0960429f, -0.148636f, -0.00717164f, -0.0901054f, 0.674294f, 1.28432f,
                     0.294827f, -0.114321f, -0.0706295f, -0.135615f, 0.128175f, 0.17603f,
                     0.193282f, -0.0521513f, 0.893833f, 1.56679f}},
    {"activation_lhtan",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=lhtan\n",
     -0.5f, 12.0f, 16, 16,
     (const float[]){-0.00384171f, -0.00594545f, -0.000286866f, -0.00360422f, 1.0017f, 1.00414f,
                     1.00018f, -0.00457282f, -0.00282518f, -0.00542459f, 0.5127f, 0.704119f,
                     0.773127f, -0.00208605f, 1.00257f, 1.00527f}},
    {"activation_linear",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.960429f, -1.48636f, -0.0717164f, -0.901054f, 0.674294f, 1.28432f,
                     0.294827f, -1.14321f, -0.706295f, -1.35615f, 0.128175f, 0.17603f,
                     0.193282f, -0.521513f, 0.893833f, 1.56679f}},
    {"activation_loggy",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=loggy\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.446415f, -0.631064f, -0.0358428f, -0.422332f, 0.324928f, 0.566367f,
                     0.146355f, -0.516535f, -0.339164f, -0.590266f, 0.0639999f, 0.0877883f,
                     0.0963411f, -0.255003f, 0.419361f, 0.654652f}},
    {"activation_logistic",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=logistic\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){0.276792f, 0.184468f, 0.482079f, 0.288834f, 0.662464f, 0.783184f,
                     0.573178f, 0.241732f, 0.330418f, 0.204867f, 0.532f, 0.543894f, 0.548171f,
                     0.372498f, 0.70968f, 0.827326f}},
    {"activation_mish",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=mish\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.30078f, -0.298959f, -0.0413793f, -0.295758f, 0.536363f, 1.16899f,
                     0.20396f, -0.308512f, -0.269022f, -0.305557f, 0.0821162f, 0.115402f,
                     0.127744f, -0.226842f, 0.754871f, 1.47607f}},
    {"activation_normalize_channels",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=normalize_channels\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){0.0f, 0.0f, 0.0f, 0.0f, 0.777127f, 0.999922f, 0.223874f, 0.0f, 0.0f, 0.0f,
                     0.0973283f, 0.100997f, 0.222758f, 0.0f, 0.678722f, 0.898946f}},
    {"activation_normalize_channels_softmax",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=normalize_channels_softmax\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){0.0944504f, 0.0482314f, 0.158974f, 0.0605388f, 0.484345f, 0.77023f,
                     0.229358f, 0.0475192f, 0.121779f, 0.0549391f, 0.19415f, 0.177748f,
                     0.299401f, 0.126578f, 0.417502f, 0.714179f}},
    {"activation_normalize_channels_softmax_maxval",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=normalize_channels_softmax_maxval\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){0.0944481f, 0.0482287f, 0.15897f, 0.0605354f, 0.484333f, 0.770187f,
                     0.229352f, 0.0475165f, 0.121776f, 0.054936f, 0.194145f, 0.177738f,
                     0.299394f, 0.126571f, 0.417491f, 0.714139f}},
    {"activation_plse",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=plse\n",
     -0.5f, 12.0f, 16, 16,
     (const float[]){0.0197857f, -0.0194545f, 0.464142f, 0.049473f, 0.837147f, 1.01137f,
                     0.647414f, -0.00572822f, 0.146853f, -0.0142459f, 0.564087f, 0.588015f,
                     0.596641f, 0.239243f, 0.946916f, 1.02267f}},
    {"activation_ramp",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=ramp\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.0960429f, -0.148636f, -0.00717164f, -0.0901054f, 0.741723f, 1.41275f,
                     0.32431f, -0.114321f, -0.0706295f, -0.135615f, 0.140992f, 0.193633f,
                     0.21261f, -0.0521513f, 0.983216f, 1.72347f}},
    {"activation_relie",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=relie\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.00960429f, -0.0148636f, -0.000717164f, -0.00901054f, 0.674294f,
                     1.28432f, 0.294827f, -0.0114321f, -0.00706295f, -0.0135615f, 0.128175f,
                     0.17603f, 0.193282f, -0.00521513f, 0.893833f, 1.56679f}},
    {"activation_relu",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=relu\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){0.0f, 0.0f, 0.0f, 0.0f, 0.674294f, 1.28432f, 0.294827f, 0.0f, 0.0f, 0.0f,
                     0.128175f, 0.17603f, 0.193282f, 0.0f, 0.893833f, 1.56679f}},
    {"activation_revleaky",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=revleaky\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.0960429f, -0.148636f, -0.00717164f, -0.0901054f, 0.674294f, 1.28432f,
                     0.294827f, -0.114321f, -0.0706295f, -0.135615f, 0.128175f, 0.17603f,
                     0.193282f, -0.0521513f, 0.893833f, 1.56679f}},
    {"activation_selu",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=selu\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-1.08518f, -1.36038f, -0.121665f, -1.04402f, 0.70848f, 1.34943f, 0.309775f,
                     -1.19758f, -0.890497f, -1.30507f, 0.134674f, 0.184954f, 0.203081f,
                     -0.714426f, 0.93915f, 1.64623f}},
    {"activation_stair",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=stair\n",
     -0.5f, 12.0f, 16, 16,
     (const float[]){-2.0f, -3.0f, -0.286866f, -2.0f, 1.0f, 2.13727f, 0.179309f, -2.57282f,
                     -1.82518f, -3.0f, 0.0f, 0.0f, 0.0f, -1.08605f, 1.57533f, 3.0f}},
    {"activation_swish",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=swish\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.265839f, -0.274187f, -0.034573f, -0.260255f, 0.446695f, 1.00586f,
                     0.168988f, -0.27635f, -0.233373f, -0.27783f, 0.0681891f, 0.0957415f,
                     0.105951f, -0.194263f, 0.634336f, 1.29625f}},
    {"activation_tanh",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=tanh\n",
     -0.5f, 3.0f, 16, 16,
     (const float[]){-0.744468f, -0.902653f, -0.0715936f, -0.716811f, 0.587797f, 0.857631f,
                     0.286572f, -0.815491f, -0.608348f, -0.875497f, 0.127478f, 0.174234f,
                     0.19091f, -0.478867f, 0.713281f, 0.916515f}},
    {"conv_default_activation",
     "[net]\n"
     "width=3\n"
     "height=3\n"
     "channels=2\n"
     "[convolutional]\n"
     "filters=2\n"
     "size=3\n",
     -0.5f, 1.0f, 38, 2, (const float[]){0.52195f, 0.354524f}},
    {"conv_bn_groups_strides",
     "[net]\n"
     "width=7\n"
     "height=6\n"
     "channels=4\n"
     "[conv]\n"
     "filters=6\n"
     "groups=2\n"
     "size=3\n"
     "pad=1\n"
     "stride_x=3\n"
     "stride_y=2\n"
     "batch_normalize=1\n"
     "activation=linear\n",
     0.1f, 1.0f, 132, 54,
     (const float[]){-0.888833f, -0.0860415f, -0.560848f, -2.34235f,   -3.21809f,   -1.54823f,
                     -1.52308f,  -2.20748f,   -1.06094f,  -0.0643413f, -0.0733556f, 0.109635f,
                     -0.557384f, -0.284534f,  -0.119024f, -0.295117f,  -0.273062f,  -0.306457f,
                     -0.556916f, 1.02134f,    1.06544f,   -1.39742f,   -1.40163f,   0.122761f,
                     -0.629279f, -0.665323f,  -0.612911f, 1.43501f,    0.31166f,    -1.13781f,
                     3.59119f,   -4.81226f,   -0.450386f, 3.81696f,    5.13708f,    0.487724f,
                     2.74768f,   0.97422f,    -0.16517f,  2.84971f,    -5.33573f,   1.01781f,
                     3.31065f,   4.02681f,    1.05435f,   0.965381f,   0.423791f,   -0.403362f,
                     1.47931f,   -0.246683f,  0.225491f,  1.84135f,    1.53933f,    0.231424f}},
    {"conv_dilation",
     "[net]\n"
     "width=7\n"
     "height=7\n"
     "channels=2\n"
     "[conv]\n"
     "filters=2\n"
     "size=3\n"
     "pad=1\n"
     "dilation=2\n"
     "activation=linear\n"
     "stride=2\n",
     -0.5f, 1.0f, 38, 32,
     (const float[]){-0.485435f, -0.21949f,  -0.0672698f, 0.311277f,  0.52879f,    1.61896f,
                     0.525465f,  0.558239f,  -0.639431f,  -0.753752f, 0.411818f,   0.520879f,
                     0.324293f,  0.301754f,  -0.759832f,  0.299558f,  -0.262474f,  -0.791964f,
                     -0.70686f,  -0.356209f, -0.13409f,   -0.667426f, -0.0645572f, -1.02917f,
                     -0.474681f, -0.794859f, -1.21886f,   -0.152885f, -1.3114f,    -0.349878f,
                     -0.310138f, -1.48368f}},
    {"conv_padding",
     "[net]\n"
     "width=5\n"
     "height=5\n"
     "channels=1\n"
     "[conv]\n"
     "filters=2\n"
     "size=2\n"
     "padding=1\n"
     "stride=2\n"
     "activation=linear\n",
     -0.5f, 1.0f, 10, 18,
     (const float[]){-0.394828f, -0.771967f, -0.419653f, -0.50837f, -0.448346f, -0.192568f,
                     -0.452819f, -0.61726f, -0.712276f, -0.487221f, -0.287562f, -0.203716f,
                     0.11759f, -0.205513f, -0.618041f, 0.046005f, -0.335291f, -0.583219f}},
    {"conv_antialiasing",
     "[net]\n"
     "width=7\n"
     "height=7\n"
     "channels=2\n"
     "[conv]\n"
     "filters=3\n"
     "size=3\n"
     "pad=1\n"
     "stride=2\n"
     "antialiasing=1\n"
     "activation=leaky\n",
     -0.5f, 1.0f, 57, 48,
     (const float[]){
         0.0404878f,   0.115372f,   0.0915231f, -0.042263f,  0.0133584f,  0.194916f,
         0.0712063f,   0.0417703f,  0.0883762f, 0.10287f,    0.00288005f, 0.145249f,
         -0.0386143f,  -0.0438154f, 0.0372189f, 0.0278046f,  -0.02289f,   0.00942951f,
         -0.0312683f,  -0.0253448f, 0.114481f,  0.0144778f,  0.0955402f,  0.352083f,
         -0.00377738f, -0.0294594f, 0.077851f,  0.00752452f, 0.0332312f,  0.0390267f,
         0.0877198f,   0.0328213f,  0.160179f,  0.399276f,   0.221502f,   0.232195f,
         0.165575f,    0.20809f,    0.263128f,  0.132727f,   0.47422f,    0.507552f,
         0.281136f,    0.127334f,   0.0473865f, 0.321887f,   0.058954f,   0.190177f}},
    {"conv_antialiasing_2",
     "[net]\n"
     "width=7\n"
     "height=7\n"
     "channels=2\n"
     "[conv]\n"
     "filters=3\n"
     "size=3\n"
     "pad=1\n"
     "stride=2\n"
     "antialiasing=2\n"
     "activation=leaky\n",
     -0.5f, 1.0f, 57, 27,
     (const float[]){
         0.0633794f,  0.139227f,  -0.0428513f, 0.163607f,   0.222324f,    0.173753f, 0.0901131f,
         -0.021052f,  0.0120161f, -0.0203611f, 0.0150125f,  -0.00731785f, 0.129973f, -0.049106f,
         0.338577f,   0.0770584f, -0.0844176f, -0.0577097f, 0.384506f,    0.472168f, 0.31997f,
         -0.0313235f, 0.347812f,  0.195841f,   0.75576f,    0.372821f,    0.420322f}},
    {"conv_share_index",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=2\n"
     "[conv]\n"
     "filters=2\n"
     "size=3\n"
     "pad=1\n"
     "activation=leaky\n"
     "[conv]\n"
     "filters=2\n"
     "size=3\n"
     "pad=1\n"
     "share_index=-1\n"
     "activation=linear\n",
     -0.5f, 1.0f, 38, 32,
     (const float[]){-0.61524f,  -0.783565f, -0.0520025f, -0.344432f, -0.748734f, -0.773119f,
                     -0.251177f, -0.469643f, -0.215098f,  -0.355287f, -0.237099f, -0.458348f,
                     -0.513247f, -0.468078f, -0.449078f,  -0.474907f, -0.694891f, -0.646472f,
                     -0.657615f, -0.119797f, 0.0388616f,  0.0195418f, -0.558337f, -0.212802f,
                     -0.187897f, -0.423183f, -0.577628f,  -0.307832f, -0.271408f, -0.32425f,
                     -0.285397f, -0.279282f}},
    {"conv_flipped",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=2\n"
     "[conv]\n"
     "filters=3\n"
     "size=3\n"
     "pad=0\n"
     "flipped=1\n"
     "activation=linear\n",
     -0.5f, 1.0f, 57, 12,
     (const float[]){-0.718287f, -1.19387f, 0.309302f, -0.542949f, 0.274072f, -1.33338f,
                     -0.131153f, -0.919621f, -0.214709f, 0.497293f, -0.344409f, -0.277535f}},
    {"connected",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[maxpool]\n"
     "[connected]\n"
     "output=5\n"
     "activation=leaky\n"
     "[conn]\n"
     "output=3\n",
     -0.5f, 1.0f, 83, 3, (const float[]){0.559516f, 0.506222f, 0.48045f}},
    {"connected_bn",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[maxpool]\n"
     "[connected]\n"
     "output=5\n"
     "batch_normalize=1\n"
     "activation=linear\n",
     0.1f, 1.0f, 80, 5, (const float[]){0.571797f, 1.91575f, 1.59823f, 1.81499f, 1.95539f}},
    {"local",
     "[net]\n"
     "width=5\n"
     "height=4\n"
     "channels=2\n"
     "[local]\n"
     "filters=3\n"
     "size=3\n"
     "pad=1\n"
     "stride=2\n"
     "activation=leaky\n",
     -0.5f, 1.0f, 342, 18,
     (const float[]){-0.0644524f, -0.0734892f, -0.0101853f, 0.482407f, 0.324427f, -0.0164296f,
                     0.434699f, -0.0494769f, 0.233017f, 0.081759f, 0.456627f, -0.0851469f,
                     0.279489f, 0.697902f, -0.0477459f, -0.0675097f, -0.0633903f, 0.382624f}},
    {"local_nopad",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=2\n"
     "[local]\n"
     "filters=2\n"
     "size=2\n"
     "activation=linear\n",
     -0.5f, 1.0f, 162, 18,
     (const float[]){-0.615199f, -0.582149f, -1.09713f, 0.848953f, 0.696364f, -0.148372f,
                     0.303114f, -0.77016f, 0.52409f, 0.589289f, 1.25426f, -0.557674f,
                     -0.272266f, 0.497761f, -0.0855475f, -0.0449654f, 0.183726f, -0.0194315f}},
    {"batchnorm",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[batchnorm]\n",
     0.1f, 1.0f, 12, 12,
     (const float[]){-1.01118f, -1.5158f, -0.258274f, -0.592438f, 0.289396f, 0.213558f, 0.704f,
                     -0.256673f, 0.545347f, 0.525971f, 0.711607f, 0.176923f}},
    {"maxpool_defaults",
     "[net]\n"
     "width=3\n"
     "height=3\n"
     "channels=2\n"
     "[maxpool]\n",
     -0.5f, 1.0f, 0, 18,
     (const float[]){-0.351454f, -0.905601f, 0.475359f, 0.108394f, 0.17841f, 0.0952921f,
                     0.632814f, -0.420079f, 0.715679f, 0.68616f, 0.968961f, 0.154418f,
                     -0.655219f, -0.189474f, -0.432119f, 0.250425f, -0.352353f, -0.666605f}},
    {"maxpool_2_2",
     "[net]\n"
     "width=5\n"
     "height=4\n"
     "channels=2\n"
     "[max]\n"
     "size=2\n"
     "stride=2\n",
     -0.5f, 1.0f, 0, 12,
     (const float[]){0.632814f, 0.715679f, 0.68616f, 0.968961f, -0.189474f, -0.432119f,
                     0.957986f, 0.692875f, -0.114683f, 0.976662f, 0.814931f, -0.287695f}},
    {"maxpool_3_1",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=2\n"
     "[maxpool]\n"
     "size=3\n"
     "stride=1\n",
     -0.5f, 1.0f, 0, 32,
     (const float[]){0.17841f,   0.632814f,   0.632814f, 0.632814f, 0.715679f, 0.968961f,
                     0.968961f,  0.968961f,   0.715679f, 0.968961f, 0.968961f, 0.968961f,
                     0.715679f,  0.968961f,   0.968961f, 0.968961f, 0.957986f, 0.957986f,
                     0.0394158f, -0.0811491f, 0.957986f, 0.957986f, 0.441167f, 0.441167f,
                     0.957986f,  0.957986f,   0.764732f, 0.764732f, 0.692875f, 0.764732f,
                     0.764732f,  0.764732f}},
    {"maxpool_2_1",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=1\n"
     "[maxpool]\n"
     "size=2\n"
     "stride=1\n",
     -0.5f, 1.0f, 0, 16,
     (const float[]){0.17841f, 0.632814f, 0.632814f, 0.108394f, 0.715679f, 0.968961f, 0.968961f,
                     0.154418f, 0.715679f, 0.968961f, 0.968961f, 0.250425f, -0.189474f,
                     -0.189474f, 0.250425f, 0.250425f}},
    {"maxpool_stride_xy",
     "[net]\n"
     "width=6\n"
     "height=6\n"
     "channels=1\n"
     "[maxpool]\n"
     "size=3\n"
     "stride_x=1\n"
     "stride_y=2\n"
     "padding=1\n",
     -0.5f, 1.0f, 0, 15,
     (const float[]){0.715679f, 0.715679f, 0.968961f, 0.968961f, 0.968961f, 0.957986f,
                     0.957986f, 0.957986f, 0.692875f, 0.692875f, 0.814931f, 0.814931f,
                     0.814931f, 0.692875f, 0.692875f}},
    {"maxpool_depth",
     "[net]\n"
     "width=3\n"
     "height=2\n"
     "channels=6\n"
     "[maxpool]\n"
     "maxpool_depth=1\n"
     "out_channels=3\n",
     -0.5f, 1.0f, 0, 18,
     (const float[]){-0.351454f, -0.905601f, 0.957986f, 0.108394f, 0.17841f, 0.0952921f,
                     0.632814f, 0.0583352f, 0.715679f, 0.68616f, 0.968961f, 0.154418f,
                     0.764732f, 0.500086f, 0.814931f, 0.250425f, -0.31105f, -0.666605f}},
    {"maxpool_antialiasing",
     "[net]\n"
     "width=6\n"
     "height=6\n"
     "channels=2\n"
     "[conv]\n"
     "filters=2\n"
     "size=3\n"
     "pad=1\n"
     "activation=linear\n"
     "[maxpool]\n"
     "size=2\n"
     "stride=2\n"
     "antialiasing=1\n",
     -0.5f, 1.0f, 38, 18,
     (const float[]){0.0586971f, 0.56454f, 0.154956f, 0.0603888f, 0.655044f, 0.00621066f,
                     0.0350048f, 0.558437f, -0.161182f, 0.29083f, 0.0572262f, 0.150399f,
                     0.332249f, 0.101488f, 0.585933f, 0.463296f, 0.0293889f, -0.00760237f}},
    {"local_avgpool",
     "[net]\n"
     "width=5\n"
     "height=5\n"
     "channels=2\n"
     "[local_avgpool]\n"
     "size=3\n"
     "stride=2\n",
     -0.5f, 1.0f, 0, 18,
     (const float[]){-0.132237f, 0.101094f, 0.422161f, 0.291593f, -0.166648f, -0.148527f,
                     0.223869f, -0.362435f, -0.648109f, 0.44108f, 0.310862f, -0.101149f,
                     0.475423f, 0.24238f, -0.607119f, 0.175823f, 0.205799f, -0.291614f}},
    {"avgpool_softmax",
     "[net]\n"
     "width=3\n"
     "height=3\n"
     "channels=4\n"
     "[avg]\n"
     "[soft]\n",
     -0.5f, 1.0f, 0, 4, (const float[]){0.265042f, 0.243454f, 0.211776f, 0.279728f}},
    {"softmax_groups_temperature",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=4\n"
     "[maxpool]\n"
     "[softmax]\n"
     "groups=2\n"
     "temperature=0.5\n",
     -0.5f, 1.0f, 0, 16,
     (const float[]){0.0445917f, 0.0147207f, 0.233032f, 0.111859f, 0.128673f, 0.108966f,
                     0.319285f, 0.0388729f, 0.215016f, 0.202689f, 0.356836f, 0.0699786f,
                     0.0138587f, 0.0351774f, 0.0216524f, 0.0847922f}},
    {"upsample",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[upsample]\n",
     -0.5f, 1.0f, 0, 32,
     (const float[]){-0.351454f, -0.351454f, -0.905601f, -0.905601f, -0.351454f, -0.351454f,
                     -0.905601f, -0.905601f, 0.475359f,  0.475359f,  0.108394f,  0.108394f,
                     0.475359f,  0.475359f,  0.108394f,  0.108394f,  0.17841f,   0.17841f,
                     0.0952921f, 0.0952921f, 0.17841f,   0.17841f,   0.0952921f, 0.0952921f,
                     0.632814f,  0.632814f,  -0.420079f, -0.420079f, 0.632814f,  0.632814f,
                     -0.420079f, -0.420079f}},
    {"upsample_scale",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=1\n"
     "[upsample]\n"
     "stride=3\n"
     "scale=0.5\n",
     -0.5f, 1.0f, 0, 36,
     (const float[]){-0.175727f, -0.175727f, -0.175727f, -0.4528f,   -0.4528f,   -0.4528f,
                     -0.175727f, -0.175727f, -0.175727f, -0.4528f,   -0.4528f,   -0.4528f,
                     -0.175727f, -0.175727f, -0.175727f, -0.4528f,   -0.4528f,   -0.4528f,
                     0.23768f,   0.23768f,   0.23768f,   0.0541968f, 0.0541968f, 0.0541968f,
                     0.23768f,   0.23768f,   0.23768f,   0.0541968f, 0.0541968f, 0.0541968f,
                     0.23768f,   0.23768f,   0.23768f,   0.0541968f, 0.0541968f, 0.0541968f}},
    {"downsample",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=2\n"
     "[upsample]\n"
     "stride=-2\n"
     "scale=0.5\n",
     -0.5f, 1.0f, 0, 8,
     (const float[]){-0.491676f, 0.398244f, 0.278573f, 0.470843f, -0.010778f, -1.07373f,
                     -0.101677f, 0.896918f}},
    {"reorg",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=8\n"
     "[reorg]\n"
     "stride=2\n",
     -0.5f, 1.0f, 0, 128,
     (const float[]){
         -0.351454f, 0.475359f,  0.17841f,   0.632814f,  -0.352353f,  -0.719014f,  0.957986f,
         -0.394905f, 0.814931f,  -0.31105f,  0.976662f,  -0.880054f,  0.827503f,   -0.457729f,
         -0.177327f, -0.312894f, -0.135209f, -0.249434f, 0.176571f,   -0.320088f,  0.125533f,
         0.154129f,  0.882615f,  -0.39275f,  0.243959f,  -0.748271f,  -0.79169f,   -0.382371f,
         0.52936f,   0.461307f,  0.7585f,    0.853589f,  -0.905601f,  0.108394f,   0.0952921f,
         -0.420079f, -0.666605f, -0.952391f, 0.0394158f, -0.0811491f, -0.671737f,  -0.748812f,
         0.517547f,  -0.287695f, -0.501779f, -0.82406f,  -0.329774f,  -0.0687833f, -0.708097f,
         -0.281491f, -0.37369f,  -0.227876f, -0.314022f, -0.686321f,  -0.0321506f, 0.213214f,
         -0.670208f, -0.293467f, 0.849328f,  -0.429609f, -0.243608f,  0.998343f,   -0.745756f,
         0.765797f,  0.715679f,  0.968961f,  -0.655219f, -0.432119f,  -0.83988f,   0.441167f,
         0.692875f,  0.764732f,  0.413034f,  0.939323f,  -0.530009f,  -0.737942f,  -0.943344f,
         0.565798f,  0.971842f,  -0.559823f, -0.605476f, -0.451759f,  -0.195335f,  -0.711075f,
         0.525414f,  0.254287f,  0.906304f,  0.312141f,  0.664702f,   0.809832f,   0.439556f,
         0.430297f,  0.279021f,  0.908813f,  -0.261162f, -0.990095f,  0.68616f,    0.154418f,
         -0.189474f, 0.250425f,  0.0583352f, 0.0878503f, -0.114683f,  0.500086f,   0.946835f,
         -0.962172f, 0.0813656f, 0.221248f,  0.71329f,   -0.218705f,  0.810396f,   -0.394166f,
         0.386057f,  -0.752496f, -0.986673f, -0.580237f, -0.714256f,  0.522537f,   0.222699f,
         -0.932045f, 0.922755f,  0.055894f,  -0.233209f, -0.42674f,   0.164072f,   -0.658792f,
         -0.689077f, -0.219144f}},
    {"reorg_reverse",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=8\n"
     "[reorg]\n"
     "stride=2\n"
     "reverse=1\n",
     -0.5f, 1.0f, 0, 32,
     (const float[]){-0.351454f,  0.715679f,  -0.905601f, 0.68616f,   -0.352353f, -0.83988f,
                     -0.666605f,  0.0583352f, 0.475359f,  0.968961f,  0.108394f,  0.154418f,
                     -0.719014f,  0.441167f,  -0.952391f, 0.0878503f, 0.17841f,   -0.655219f,
                     0.0952921f,  -0.189474f, 0.957986f,  0.692875f,  0.0394158f, -0.114683f,
                     0.632814f,   -0.432119f, -0.420079f, 0.250425f,  -0.394905f, 0.764732f,
                     -0.0811491f, 0.500086f}},
    {"reorg3d",
     "[net]\n"
     "width=4\n"
     "height=4\n"
     "channels=2\n"
     "[reorg3d]\n"
     "stride=2\n",
     -0.5f, 1.0f, 0, 32,
     (const float[]){-0.351454f, 0.475359f,  0.715679f,  0.968961f,  -0.352353f, -0.719014f,
                     -0.83988f,  0.441167f,  -0.905601f, 0.108394f,  0.68616f,   0.154418f,
                     -0.666605f, -0.952391f, 0.0583352f, 0.0878503f, 0.17841f,   0.632814f,
                     -0.655219f, -0.432119f, 0.957986f,  -0.394905f, 0.692875f,  0.764732f,
                     0.0952921f, -0.420079f, -0.189474f, 0.250425f,  0.0394158f, -0.0811491f,
                     -0.114683f, 0.500086f}},
    {"reorg3d_reverse",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=16\n"
     "[reorg3d]\n"
     "stride=2\n"
     "reverse=1\n",
     -0.5f, 1.0f, 0, 64,
     (const float[]){-0.351454f, -0.352353f,  -0.905601f, -0.666605f, 0.475359f,  -0.719014f,
                     0.108394f,  -0.952391f,  0.814931f,  0.827503f,  -0.671737f, -0.501779f,
                     -0.31105f,  -0.457729f,  -0.748812f, -0.82406f,  0.17841f,   0.957986f,
                     0.0952921f, 0.0394158f,  0.632814f,  -0.394905f, -0.420079f, -0.0811491f,
                     0.976662f,  -0.177327f,  0.517547f,  -0.329774f, -0.880054f, -0.312894f,
                     -0.287695f, -0.0687833f, 0.715679f,  -0.83988f,  0.68616f,   0.0583352f,
                     0.968961f,  0.441167f,   0.154418f,  0.0878503f, 0.413034f,  -0.943344f,
                     0.946835f,  0.71329f,    0.939323f,  0.565798f,  -0.962172f, -0.218705f,
                     -0.655219f, 0.692875f,   -0.189474f, -0.114683f, -0.432119f, 0.764732f,
                     0.250425f,  0.500086f,   -0.530009f, 0.971842f,  0.0813656f, 0.810396f,
                     -0.737942f, -0.559823f,  0.221248f,  -0.394166f}},
    {"crop",
     "[net]\n"
     "width=5\n"
     "height=5\n"
     "channels=2\n"
     "[crop]\n"
     "crop_width=3\n"
     "crop_height=2\n",
     -0.5f, 1.0f, 0, 12,
     (const float[]){0.265628f, -1.84016f, 0.431359f, -0.691164f, -2.31044f, -1.37895f,
                     0.000172615f, 0.629862f, -2.34347f, 0.953324f, 0.0350933f, -2.76011f}},
    {"crop_noadjust",
     "[net]\n"
     "width=5\n"
     "height=4\n"
     "channels=1\n"
     "[crop]\n"
     "crop_width=3\n"
     "crop_height=2\n"
     "noadjust=1\n",
     -0.5f, 1.0f, 0, 6,
     (const float[]){0.632814f, -0.420079f, 0.715679f, 0.154418f, -0.655219f, -0.189474f}},
    {"route",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[route]\n"
     "layers=-1,0\n",
     -0.5f, 1.0f, 32, 32,
     (const float[]){0.17976f,     0.376572f,    -0.00729542f, -0.00662619f, 0.654848f,
                     0.700596f,    0.559176f,    0.672268f,    -0.0117449f,  -0.0145862f,
                     -0.00732938f, -0.00974317f, 0.0228115f,   0.0498646f,   0.035448f,
                     -0.0106713f,  -0.564444f,   -0.729679f,   -0.354666f,   -0.353063f,
                     -0.511539f,   -0.665221f,   -0.423269f,   -0.0990965f,  0.0255062f,
                     -0.14028f,    0.434378f,    -0.16321f,    0.199594f,    -0.0212511f,
                     0.514018f,    0.413334f}},
    {"route_groups",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[route]\n"
     "layers=-1,-2\n"
     "groups=2\n"
     "group_id=1\n",
     -0.5f, 1.0f, 32, 16,
     (const float[]){-0.0117449f, -0.0145862f, -0.00732938f, -0.00974317f, 0.0228115f,
                     0.0498646f, 0.035448f, -0.0106713f, 0.0255062f, -0.14028f, 0.434378f,
                     -0.16321f, 0.199594f, -0.0212511f, 0.514018f, 0.413334f}},
    {"route_one_group",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[route]\n"
     "layers=0\n"
     "groups=4\n"
     "group_id=2\n",
     -0.5f, 1.0f, 32, 4, (const float[]){0.0255062f, -0.14028f, 0.434378f, -0.16321f}},
    {"route_one",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[route]\n"
     "layers=0\n",
     -0.5f, 1.0f, 32, 16,
     (const float[]){-0.564444f, -0.729679f, -0.354666f, -0.353063f, -0.511539f, -0.665221f,
                     -0.423269f, -0.0990965f, 0.0255062f, -0.14028f, 0.434378f, -0.16321f,
                     0.199594f, -0.0212511f, 0.514018f, 0.413334f}},
    {"shortcut",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[shortcut]\n"
     "from=-2\n"
     "activation=leaky\n",
     -0.5f, 1.0f, 32, 16,
     (const float[]){-0.0384684f, -0.0353108f, -0.0361961f, -0.0359689f, 0.143309f, 0.0353758f,
                     0.135907f, 0.573171f, 0.0137613f, -0.0154866f, 0.427049f, -0.0172954f,
                     0.222405f, 0.0286134f, 0.549466f, 0.402663f}},
    {"shortcut_fewer_channels",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=2\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=3\n"
     "size=1\n"
     "activation=linear\n"
     "[shortcut]\n"
     "from=-2\n"
     "activation=linear\n",
     -0.5f, 1.0f, 15, 12,
     (const float[]){-0.401692f, -0.526589f, -0.0579732f, -0.615969f, -0.791688f, -0.931486f,
                     -0.619881f, -0.601375f, 0.184825f, 0.21831f, 0.202236f, 0.0209315f}},
    {"shortcut_more_channels",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=3\n"
     "size=1\n"
     "activation=linear\n"
     "[shortcut]\n"
     "from=-2\n",
     -0.5f, 1.0f, 27, 12,
     (const float[]){-0.487028f, -0.497826f, -0.49448f, -0.430463f, 0.0136353f, 0.0390995f,
                     -0.206732f, 0.360941f, -0.186946f, -0.387348f, 0.358608f, -0.518726f}},
    {"shortcut_per_feature_relu",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[shortcut]\n"
     "from=-2,-3\n"
     "weights_type=per_feature\n"
     "weights_normalization=relu\n",
     -0.5f, 1.0f, 55, 16,
     (const float[]){-0.161176f, -0.130241f, -0.166422f, -0.165325f, 0.120451f, 0.0748363f,
                     0.109054f, 0.318825f, 0.00532101f, -0.0721635f, 0.195014f, -0.0800437f,
                     0.103791f, 0.0172806f, 0.254671f, 0.183563f}},
    {"shortcut_per_feature_softmax",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[shortcut]\n"
     "from=-2,-3\n"
     "weights_type=per_feature\n"
     "weights_normalization=softmax\n",
     -0.5f, 1.0f, 55, 16,
     (const float[]){-0.0848887f, -0.0767186f, -0.0687428f, -0.0707937f, 0.0893595f, 0.0471509f,
                     0.090566f, 0.256875f, 0.0399119f, -0.0303846f, 0.206462f, -0.0303148f,
                     0.00907479f, -0.0661894f, 0.140339f, 0.0749909f}},
    {"shortcut_per_channel_relu",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[shortcut]\n"
     "from=-2,-3\n"
     "weights_type=per_channel\n"
     "weights_normalization=relu\n",
     -0.5f, 1.0f, 64, 16,
     (const float[]){-0.563909f, -0.728988f, -0.35433f, -0.352728f, 0.283878f, 0.298973f,
                     0.275613f, 0.271446f, 0.161186f, 0.111971f, 0.256963f, 0.139032f,
                     -0.287759f, -0.339764f, -0.203986f, -0.253573f}},
    {"shortcut_per_channel_softmax",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[shortcut]\n"
     "from=-2,-3\n"
     "weights_type=per_channel\n"
     "weights_normalization=softmax\n",
     -0.5f, 1.0f, 64, 16,
     (const float[]){-0.119486f, -0.157611f, -0.0543511f, -0.0578601f, 0.117862f, 0.092087f,
                     0.124772f, 0.22088f, 0.0941493f, 0.0296872f, 0.238088f, 0.0410643f,
                     -0.128597f, -0.193943f, -0.0183395f, -0.076549f}},
    {"scale_channels",
     "[net]\n"
     "width=3\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[avgpool]\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "[scale_channels]\n"
     "from=-3\n"
     "activation=leaky\n",
     -0.5f, 1.0f, 32, 24,
     (const float[]){-0.0324049f, -0.0354259f, -0.0191734f, -0.0250885f, -0.0255849f,
                     -0.0221885f, -0.0457419f, -0.0288667f, -0.0297362f, -0.0370409f,
                     -0.043318f,  -0.0226146f, 0.117537f,   -0.0186158f, 0.225393f,
                     0.179208f,   0.252329f,   0.0544277f,  0.0915071f,  0.00116732f,
                     0.261064f,   0.18564f,    0.193555f,   0.195346f}},
    {"scale_channels_wh",
     "[net]\n"
     "width=3\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=1\n"
     "size=1\n"
     "[scale_channels]\n"
     "from=-2\n"
     "scale_wh=1\n",
     -0.5f, 1.0f, 17, 24,
     (const float[]){-0.260284f, -0.287033f,   -0.14433f,  -0.194494f, -0.19915f,  -0.169027f,
                     -0.298588f, -0.190076f,   -0.181913f, -0.233364f, -0.274023f, -0.140003f,
                     0.104808f,  -0.167446f,   0.188357f,  0.154231f,  0.218046f,  0.0460291f,
                     0.0756915f, 0.000973994f, 0.202377f,  0.148203f,  0.155152f,  0.153245f}},
    {"sam",
     "[net]\n"
     "width=3\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=linear\n"
     "[conv]\n"
     "filters=4\n"
     "size=1\n"
     "activation=leaky\n"
     "[sam]\n"
     "from=-2\n",
     -0.5f, 1.0f, 32, 24,
     (const float[]){-0.14518f,    -0.210249f,   0.00228108f,  -0.0337148f,  -0.0386899f,
                     -0.00413457f, -0.435399f,   -0.330965f,   -0.253307f,   -0.33163f,
                     -0.368873f,   -0.21818f,    -0.00284852f, 0.00582884f,  -0.00345964f,
                     -0.00345601f, -0.00459808f, -0.00108974f, 0.0171167f,   -7.48579e-06f,
                     0.0248695f,   0.0256699f,   0.041996f,    -0.000519104f}},
    {"implicit",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=3\n"
     "[maxpool]\n"
     "[implicit]\n"
     "filters=3\n"
     "atoms=2\n",
     -0.5f, 1.0f, 6, 6,
     (const float[]){-0.433932f, -0.315412f, 0.0176659f, 0.350212f, 0.314868f, -0.111264f}},
    {"dropout_cost",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[conv]\n"
     "filters=2\n"
     "size=1\n"
     "[dropout]\n"
     "probability=.5\n"
     "[cost]\n"
     "type=sse\n",
     -0.5f, 1.0f, 6, 8,
     (const float[]){0.406691f, 0.397341f, 0.449197f, 0.359132f, 0.39033f, 0.351795f, 0.441236f,
                     0.441632f}},
    {"activation_section",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "[activation]\n"
     "activation=leaky\n",
     -0.5f, 1.0f, 0, 8,
     (const float[]){-0.0351454f, -0.0905601f, 0.475359f, 0.108394f, 0.17841f, 0.0952921f,
                     0.632814f, -0.042008f}},
    {"lrn",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=9\n"
     "[lrn]\n"
     "alpha=0.5\n",
     -0.5f, 1.0f, 0, 36,
     (const float[]){-0.332278f, -0.698172f, 0.3875f,    0.101323f,  0.147194f,  0.0727738f,
                     0.489953f,  -0.384444f, 0.570042f,  0.470306f,  0.661048f,  0.109626f,
                     -0.430354f, -0.160715f, -0.299538f, 0.178003f,  -0.20283f,  -0.566393f,
                     -0.523393f, -0.705475f, 0.554663f,  0.0390134f, -0.315294f, -0.0569045f,
                     -0.466592f, 0.0502083f, 0.361298f,  0.0552884f, 0.393317f,  -0.114747f,
                     0.739034f,  0.38842f,   0.555058f,  -0.672501f, -0.318569f, -0.582635f}},
    {"normalization_even",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=6\n"
     "[normalization]\n"
     "size=4\n"
     "alpha=0.3\n"
     "beta=0.5\n"
     "kappa=2\n",
     -0.5f, 1.0f, 0, 24,
     (const float[]){-0.245669f, -0.603901f, 0.32137f,   0.0755862f, 0.120962f,  0.063394f,
                     0.422445f,  -0.291604f, 0.48521f,   0.468306f,  0.634618f,  0.100863f,
                     -0.419344f, -0.129385f, -0.287575f, 0.165381f,  -0.232958f, -0.470973f,
                     -0.511468f, -0.629943f, 0.651992f,  0.0279234f, -0.284982f, -0.0538969f}},
    {"rnn",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=1\n"
     "time_steps=3\n"
     "[maxpool]\n"
     "[rnn]\n"
     "output=2\n"
     "hidden=4\n"
     "activation=tanh\n",
     -0.5f, 1.0f, 50, 6,
     (const float[]){0.0348028f, -0.714265f, 0.132919f, -0.779601f, 0.174003f, -0.635117f}},
    {"rnn_logistic_shortcut_bn",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=1\n"
     "time_steps=2\n"
     "[maxpool]\n"
     "[rnn]\n"
     "output=2\n"
     "hidden=3\n"
     "activation=leaky\n"
     "logistic=1\n"
     "shortcut=1\n"
     "batch_normalize=1\n",
     0.1f, 1.0f, 59, 4, (const float[]){0.686348f, 0.836505f, 2.32301f, 2.07694f}},
    {"gru",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=1\n"
     "time_steps=3\n"
     "[maxpool]\n"
     "[gru]\n"
     "output=4\n",
     -0.5f, 3.0f, 120, 12,
     (const float[]){0.312638f, 0.487274f, 0.480283f, 0.0224745f, 0.374677f, 0.471788f,
                     0.542477f, 0.139754f, 0.419432f, 0.453331f, 0.6563f, 0.151218f}},
    {"gru_bn",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=1\n"
     "time_steps=2\n"
     "[maxpool]\n"
     "[gru]\n"
     "output=2\n"
     "batch_normalize=1\n",
     0.1f, 1.0f, 84, 4, (const float[]){0.631048f, 0.350963f, 0.671576f, 0.675593f}},
    {"lstm",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=1\n"
     "time_steps=3\n"
     "[maxpool]\n"
     "[lstm]\n"
     "output=3\n",
     -0.5f, 3.0f, 108, 9,
     (const float[]){-0.192619f, -0.117765f, -0.128052f, -0.0963896f, 0.408266f, -0.366996f,
                     -0.0979825f, 0.648349f, -0.253801f}},
    {"crnn",
     "[net]\n"
     "width=4\n"
     "height=3\n"
     "channels=2\n"
     "time_steps=3\n"
     "[crnn]\n"
     "output=2\n"
     "hidden=3\n"
     "size=3\n"
     "pad=1\n"
     "activation=leaky\n",
     -0.5f, 1.0f, 197, 72,
     (const float[]){
         0.385162f,    0.681404f,   0.635046f,   0.321817f,    0.342351f,    0.243917f,
         0.697761f,    0.868406f,   -0.0111495f, 0.0594272f,   0.31097f,     -0.0273215f,
         0.129578f,    -0.055129f,  -0.0570301f, 0.0622578f,   0.163978f,    -0.00770982f,
         0.458507f,    -0.0201799f, 0.342402f,   -0.041521f,   0.0436019f,   -0.00101813f,
         0.51467f,     1.56429f,    1.40456f,    1.64525f,     0.163775f,    0.930378f,
         0.7636f,      0.754656f,   -0.0102741f, 1.07645f,     0.88462f,     0.0691556f,
         -0.00183399f, -0.101155f,  -0.0877858f, 0.436464f,    -0.0826229f,  -0.0156692f,
         -0.0194259f,  0.242645f,   0.588871f,   0.979306f,    -0.00410445f, 0.990394f,
         0.955352f,    2.21568f,    2.83231f,    0.724306f,    0.715687f,    1.18066f,
         1.53571f,     1.94756f,    -0.0479981f, 0.569094f,    1.01171f,     1.30591f,
         -0.0306841f,  -0.142695f,  -0.0697153f, -0.00867494f, -0.0707519f,  -0.0872544f,
         0.277739f,    1.18159f,    -0.0625728f, 1.0951f,      1.33906f,     1.47257f}},
    {"conv_lstm",
     "[net]\n"
     "width=3\n"
     "height=3\n"
     "channels=2\n"
     "time_steps=2\n"
     "[conv_lstm]\n"
     "output=2\n"
     "size=3\n"
     "pad=1\n",
     -0.5f, 1.0f, 304, 36,
     (const float[]){
         -0.0877774f, 0.0932745f, 0.0432833f, -0.0368281f, 0.124994f,  0.047655f,
         0.120841f,   0.251504f,  0.0903843f, -0.39267f,   -0.406924f, -0.20173f,
         0.166192f,   -0.112877f, -0.11233f,  -0.218759f,  -0.121009f, -0.00228497f,
         -0.143523f,  0.131005f,  0.0524963f, -0.11352f,   0.201414f,  0.105498f,
         0.0275091f,  0.0955929f, 0.0624144f, -0.595675f,  -0.245586f, -0.232103f,
         0.0636696f,  -0.451363f, -0.419872f, -0.0322564f, 0.214329f,  -0.00537772f}},
    {"conv_lstm_peephole",
     "[net]\n"
     "width=3\n"
     "height=2\n"
     "channels=2\n"
     "time_steps=3\n"
     "[conv_lstm]\n"
     "output=2\n"
     "size=3\n"
     "pad=1\n"
     "peephole=1\n"
     "activation=leaky\n"
     "state_constrain=1\n",
     -0.5f, 2.0f, 418, 36,
     (const float[]){0.17396f,  0.254032f, 0.187704f, 0.224978f, 0.219623f, 0.253504f,
                     0.391667f, 0.429859f, 0.327164f, 0.573776f, 0.498042f, 0.381421f,
                     0.35804f,  0.367845f, 0.16619f,  0.279118f, 0.251737f, 0.254844f,
                     0.604228f, 0.536965f, 0.465516f, 0.823022f, 0.821342f, 0.694867f,
                     0.693299f, 0.667235f, 0.334495f, 0.305173f, 0.417374f, 0.319546f,
                     0.825564f, 0.877526f, 0.337073f, 0.640643f, 0.78082f,  0.494863f}},
    {"history",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=2\n"
     "time_steps=3\n"
     "[history]\n"
     "history_size=2\n",
     -0.5f, 1.0f, 0, 48,
     (const float[]){-0.351454f, -0.905601f, 0.475359f,  0.108394f,   0.17841f,   0.0952921f,
                     0.632814f,  -0.420079f, 0.0f,       0.0f,        0.0f,       0.0f,
                     0.0f,       0.0f,       0.0f,       0.0f,        0.715679f,  0.68616f,
                     0.968961f,  0.154418f,  -0.655219f, -0.189474f,  -0.432119f, 0.250425f,
                     -0.351454f, -0.905601f, 0.475359f,  0.108394f,   0.17841f,   0.0952921f,
                     0.632814f,  -0.420079f, -0.352353f, -0.666605f,  -0.719014f, -0.952391f,
                     0.957986f,  0.0394158f, -0.394905f, -0.0811491f, 0.715679f,  0.68616f,
                     0.968961f,  0.154418f,  -0.655219f, -0.189474f,  -0.432119f, 0.250425f}},
    {"yolo",
     "[net]\n"
     "width=64\n"
     "height=32\n"
     "channels=14\n"
     "[maxpool]\n"
     "size=32\n"
     "stride=32\n"
     "padding=0\n"
     "[yolo]\n"
     "classes=2\n"
     "num=3\n"
     "mask=0,2\n"
     "anchors=10,14, 23,27, 37,58\n"
     "scale_x_y=1.1\n",
     -0.5f, 1.0f, 0, 28,
     (const float[]){0.376715f, 0.75393f,  0.424106f, 1.18339f,  0.730049f, 0.533686f,
                     0.532972f, 0.377062f, 0.753216f, 1.56709f,  4.90891f,  0.730758f,
                     0.53421f,  0.534001f, 0.876903f, 0.754146f, 0.421876f, 1.18685f,
                     0.730207f, 0.533656f, 0.533812f, 0.876974f, 0.753856f, 1.57128f,
                     4.89288f,  0.730639f, 0.534111f, 0.534102f}},
    {"yolo_new_coords",
     "[net]\n"
     "width=64\n"
     "height=32\n"
     "channels=6\n"
     "[maxpool]\n"
     "size=32\n"
     "stride=32\n"
     "padding=0\n"
     "[yolo]\n"
     "classes=1\n"
     "num=1\n"
     "anchors=10,14\n"
     "scale_x_y=2\n"
     "new_coords=1\n",
     -0.5f, 1.0f, 0, 12,
     (const float[]){0.746604f, 1.49784f, 0.623159f, 1.73275f, 0.994871f, 0.994717f, 1.24834f,
                     1.49983f, 0.616596f, 1.74295f, 0.995675f, 0.994509f}},
    {"gaussian_yolo",
     "[net]\n"
     "width=64\n"
     "height=32\n"
     "channels=22\n"
     "[maxpool]\n"
     "size=32\n"
     "stride=32\n"
     "padding=0\n"
     "[Gaussian_yolo]\n"
     "classes=2\n"
     "num=3\n"
     "mask=1,2\n"
     "anchors=10,14, 23,27, 37,58\n",
     -0.5f, 1.0f, 0, 28,
     (const float[]){0.365195f, 0.730769f, 0.971885f, 2.28182f, 0.730197f, 0.143624f,
                     0.143591f, 0.365379f, 0.730749f, 1.5701f,  4.91926f,  0.731024f,
                     0.143952f, 0.143997f, 0.865366f, 0.72973f, 0.972666f, 2.29336f,
                     0.730778f, 0.143786f, 0.143524f, 0.86532f, 0.731007f, 1.56926f,
                     4.92598f,  0.731018f, 0.143906f, 0.143932f}},
    {"gaussian_yolo_left_top",
     "[net]\n"
     "width=64\n"
     "height=32\n"
     "channels=10\n"
     "[maxpool]\n"
     "size=32\n"
     "stride=32\n"
     "padding=0\n"
     "[Gaussian_yolo]\n"
     "classes=1\n"
     "num=1\n"
     "anchors=10,14\n"
     "yolo_point=left_top\n",
     -0.5f, 1.0f, 0, 12,
     (const float[]){0.576475f, 1.32235f, 0.422559f, 1.18317f, 0.730197f, 0.143624f, 1.07682f,
                     1.3243f, 0.422898f, 1.18915f, 0.730778f, 0.143786f}},
    {"region",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=14\n"
     "[region]\n"
     "classes=2\n"
     "num=2\n"
     "anchors=1.08,1.19, 3.42,4.41\n"
     "softmax=1\n",
     -0.5f, 1.0f, 0, 56,
     (const float[]){
         0.206515f, 0.272242f, 1.10461f,  0.309f,    0.412812f, 0.354147f, 0.0586651f,
         0.333303f, 0.34658f,  4.54104f,  3.33263f,  0.370515f, 0.27122f,  0.0992953f,
         0.64395f,  0.261902f, 1.07248f,  0.492299f, 0.339257f, 0.168024f, 0.171233f,
         0.73568f,  0.169054f, 2.86922f,  5.68347f,  0.52033f,  0.237845f, 0.282485f,
         0.308326f, 0.826564f, 1.42301f,  0.386233f, 0.32761f,  0.099057f, 0.228553f,
         0.34119f,  0.711429f, 0.709241f, 5.64094f,  0.323454f, 0.150036f, 0.173419f,
         0.763536f, 0.698249f, 0.630169f, 0.76432f,  0.278404f, 0.127467f, 0.150937f,
         0.81124f,  0.66054f,  1.28248f,  0.842447f, 0.555087f, 0.177446f, 0.377641f}},
    {"region_raw",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=7\n"
     "[region]\n"
     "classes=2\n"
     "num=1\n"
     "anchors=1.08,1.19\n",
     -0.5f, 1.0f, 0, 28,
     (const float[]){0.206515f,  0.272242f,  1.10461f,    0.309f,    0.412812f, 0.395468f,
                     -0.346712f, 0.64395f,   0.261902f,   1.07248f,  0.492299f, 0.339257f,
                     0.0133721f, 0.0197906f, 0.308326f,   0.826564f, 1.42301f,  0.386233f,
                     0.32761f,   -0.129375f, 0.144531f,   0.763536f, 0.698249f, 0.630169f,
                     0.76432f,   0.278404f,  -0.0225922f, 0.0244579f}},
    {"detection",
     "[net]\n"
     "width=2\n"
     "height=2\n"
     "channels=6\n"
     "[maxpool]\n"
     "[connected]\n"
     "output=48\n"
     "activation=linear\n"
     "[detection]\n"
     "classes=2\n"
     "coords=4\n"
     "side=2\n"
     "num=2\n"
     "sqrt=1\n"
     "softmax=1\n",
     -0.5f, 1.0f, 1200, 56,
     (const float[]){
         -0.15905f,  -0.0767395f, 0.0307699f, 0.105976f, -0.638484f, -0.274765f, -0.363719f,
         -0.526294f, -0.3734f,    6.3309f,    0.26008f,  1.0649f,    0.45827f,   0.606632f,
         0.135538f,  0.633062f,   0.22392f,   0.654559f, 0.764288f,  0.674346f,  0.0899415f,
         0.423932f,  0.159343f,   0.0143298f, 0.590442f, -0.712579f, -0.628722f, -0.0838563f,
         -0.447573f, 0.266524f,   0.395578f,  0.390175f, -0.751797f, -0.584937f, -0.16686f,
         -0.111276f, 0.0442529f,  1.02127f,   0.52132f,  -0.696682f, -0.542055f, -0.154627f,
         0.966596f,  0.281176f,   1.06569f,   0.378763f, 0.833817f,  0.710501f,  0.123316f,
         0.789568f,  0.033889f,   0.0276951f, 0.148654f, 0.216193f,  0.184219f,  0.0319734f}},
};
